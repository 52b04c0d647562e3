"""The work of `benches -- step` and `benches -- gemm` in PyTorch on the CPU.

usage: torch_peer.py step gpt|llama S|M|L|L64 STEPS      one line with tokens/s and peak RSS
       torch_peer.py gemm FORM,M,N,K ...                         one line a product with GFLOP/s
Sizes, initial weights' scale, data and AdamW's settings are those of StepBench.cs.
"""
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# vocabulary, layers, heads, width, context, batch
SIZES = {"S": (65, 4, 4, 128, 64, 12), "M": (65, 6, 6, 384, 256, 4), "L": (50304, 12, 12, 768, 256, 4), "L64": (50304, 12, 12, 768, 64, 4)}
WARM_UP = 3


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.gain, 1e-5)


class SwiGlu(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate, self.up, self.down = (nn.Linear(a, b, bias=False) for a, b in ((width, hidden), (width, hidden), (hidden, width)))

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, kind, heads, width, hidden):
        super().__init__()
        gpt = kind == "gpt"
        norm = nn.LayerNorm if gpt else RmsNorm
        self.heads, self.norm1, self.norm2 = heads, norm(width), norm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=gpt), nn.Linear(width, width, bias=gpt)
        self.mlp = (Mlp if gpt else SwiGlu)(width, hidden)

    def forward(self, x, angles):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, self.heads, d // self.heads).transpose(1, 2) for z in self.qkv(self.norm1(x)).split(d, dim=2))
        if angles is not None:
            q, k = rotate(q, *angles), rotate(k, *angles)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d)
        x = x + self.out(y)
        return x + self.mlp(self.norm2(x))


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Model(nn.Module):
    def __init__(self, kind, vocabulary, layers, heads, width, context):
        super().__init__()
        hidden = 4 * width if kind == "gpt" else (8 * width // 3 + 31) // 32 * 32
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width) if kind == "gpt" else None
        self.blocks = nn.ModuleList(Block(kind, heads, width, hidden) for _ in range(layers))
        self.norm = (nn.LayerNorm if kind == "gpt" else RmsNorm)(width)
        self.angles = None
        if kind == "llama":
            half = width // heads // 2
            table = torch.outer(torch.arange(context).float(), 10000.0 ** (-torch.arange(half) / half))
            self.angles = table.cos(), table.sin()
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0, 0.02 / math.sqrt(2 * layers) if "out." in name or "down." in name else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, ids, targets):
        x = self.tokens(ids)
        if self.positions is not None:
            x = x + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, self.angles)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def stream(length, symbols):
    tokens, last, state = [], 1, 12345
    for _ in range(length):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        last = (5 * last + 7 + ((state >> 16) & 3)) % symbols
        tokens.append(last)
    return torch.tensor(tokens)


def step(kind, config, steps):
    vocabulary, layers, heads, width, context, batch = SIZES[config]
    model = Model(kind, vocabulary, layers, heads, width, context)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    n = batch * context
    data = stream((steps + WARM_UP) * n + 1, min(vocabulary, 64))
    times, losses = [], []
    for i in range(steps + WARM_UP):
        start = time.perf_counter()
        loss = model(data[i * n:(i + 1) * n].view(batch, context), data[i * n + 1:(i + 1) * n + 1].view(batch, context))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        times.append(time.perf_counter() - start)
    times = times[WARM_UP:]
    count, median = sum(p.numel() for p in model.parameters()), statistics.median(times)
    print(f"torch {torch.__version__} {kind} {config} params {count / 1e6:.3f}M loss {losses[WARM_UP]:.4f} to {losses[-1]:.4f} "
          f"| tokens/s median {n / median:.0f} best {n / min(times):.0f} "
          f"| peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def gemm(shapes):
    print(f"torch {torch.__version__}")
    for shape in shapes:
        form, m, n, k = shape.split(",")
        m, n, k = int(m), int(n), int(k)
        a = torch.full((k, m), 0.5).t() if form[0] == "T" else torch.full((m, k), 0.5)
        b = torch.full((n, k), 0.5).t() if form[1] == "T" else torch.full((k, n), 0.5)
        c = torch.empty(m, n)
        best, until = math.inf, time.perf_counter() + 0.1
        while time.perf_counter() < until:
            start = time.perf_counter()
            torch.mm(a, b, out=c)
            best = min(best, time.perf_counter() - start)
        print(f"{shape} {2e-9 * m * n * k / best:.1f}")


torch.manual_seed(1337)
if sys.argv[1] == "step":
    step(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    gemm(sys.argv[2:])
