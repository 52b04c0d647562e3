#!/bin/bash
# Workers that meet in a folder beside ranks that sum every gradient: loss, bytes, a worker that is killed, one that joins.
# Usage: benches/workers.sh TEXT [WORKERS] [STEPS] [EVERY] [compare|kill]; PROGRAM=... runs another build,
# ONE_PROCESS=1 gives the whole batch to one process, whose sums are as close as those of another order.
set -u
text=$1 workers=${2:-2} steps=${3:-2000} every=${4:-125} what=${5:-} each=8
program=${PROGRAM:-dotnet exec $(dirname "$0")/../artifacts/bin/TrainGpt/release/TrainGpt.dll}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
common="train --data $text --layers 2 --heads 4 --width 64 --context 64 --steps $steps --learning-rate 2e-3 --warm-up 100 --threads 1
  --evaluate-every $steps --evaluate-tokens 65536 --save-every $steps"

loss() { tail -1 "$1/log.csv" | cut -d, -f3; }

worker() { # NAME NUMBER OPTIONS
  exec $program $common --batch $each --sync-folder "$place/$1" --sync-every $every --workers $workers --worker $2 \
    --out "$place/$1-$2" "${@:3}" > "$place/$1-$2.txt" 2>&1
}

compare() {
  echo "ranks:   one batch of $((workers * each)) windows, $steps steps"
  if [ -z "${ONE_PROCESS:-}" ] && command -v mpirun > /dev/null; then
    mpirun --allow-run-as-root --oversubscribe -n $workers $program $common --batch $((workers * each)) --out "$place/ranks" > "$place/ranks.txt" 2>&1
  else
    $program $common --batch $((workers * each)) --out "$place/ranks" > "$place/ranks.txt" 2>&1
  fi
  echo "  loss $(loss "$place/ranks")"

  echo "workers: $workers, meeting every $every steps"
  for k in $(seq 0 $((workers - 1))); do worker meet $k & done
  wait
  for k in $(seq 0 $((workers - 1))); do echo "  worker $k: loss $(loss "$place/meet-$k")"; done
  rounds=$(ls "$place/meet" | grep -c '^round-[0-9]*\.json$')
  change=$(stat -c %s "$(ls "$place"/meet/*worker*.safetensors | head -1)")
  weights=$(grep -o '[0-9,]* weights on' "$place/meet-0.txt" | tr -d ', a-z')
  shared=$(cat "$place"/meet/*outer* | wc -c)
  awk -v w="$weights" -v n="$workers" -v s="$steps" -v r="$rounds" -v c="$change" -v o="$shared" 'BEGIN {
    summed = 16 * w * (n - 1) / n * s; met = r * c * n + o / n
    printf "  %d weights; %d meetings of %d bytes: a worker writes and reads %.1f MB, a rank sends and receives %.0f MB: 1/%.0f\n",
      w, r, c, met / 1e6, summed / 1e6, summed / met }'
}

kill_one() {
  echo "killed:  worker 1 in mid-run, worker $workers joins a moment later; nobody is waited for longer than 5 s"
  worker killed 0 --sync-wait 5 & first=$!
  for k in $(seq 1 $((workers - 1))); do worker killed $k --sync-wait 5 & [ "$k" = 1 ] && victim=$!; done
  until [ -e "$place/killed/round-000003.json" ]; do sleep 0.2; done
  kill -9 $victim
  worker killed $workers --sync-wait 5 & joins=$!
  wait $first; echo "  worker 0 ended with code $?, loss $(loss "$place/killed-0")"
  wait $joins; echo "  worker $workers ended with code $?, loss $(loss "$place/killed-$workers")"
  wait
  grep -h '^warning' "$place"/killed-*.txt | sort | uniq -c
  for round in "$place"/killed/round-*.json; do grep -o '"Workers":\[[0-9,]*\]' "$round"; done | uniq -c
}

[ "$what" = kill ] || compare
[ "$what" = compare ] || kill_one
