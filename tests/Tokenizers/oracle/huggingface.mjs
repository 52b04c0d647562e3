// Writes tests/golden/huggingface.json: tokenizer.json files of all supported kinds, and the ids that Hugging Face's JavaScript tokenizers
// give for the texts with them. In a folder with the npm package @huggingface/tokenizers:
//   node PATH/huggingface.mjs > PATH/../../golden/huggingface.json
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { texts } from "./texts.mjs";

const { Tokenizer } = await import(pathToFileURL(process.cwd() + "/node_modules/@huggingface/tokenizers/dist/tokenizers.mjs"));

// GPT-2's characters for bytes, and a few merges over them
const printable = [...Array(256).keys()].map(b => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174);
let next = 256;
const alphabet = printable.map((isOne, b) => String.fromCharCode(isOne ? b : next++));
const ofBytes = text => [...new TextEncoder().encode(text)].map(b => alphabet[b]);
const pairs = ["t h", "th e", "Ġ the", "i n", "Ġ a", "e r", "o r", "o n", "l l", "' s", "Ġ w", "Ġ w e", "Ċ Ċ", "Ġ Ġ", "ĠĠ ĠĠ", "1 2", "12 3", "H e", "He ll",
  "Hell o", "Ġw or", "Ġwor l", "Ġworl d", "Ð ¸", "n d", "a nd", "Ġ and", "Ġa nd", "< |", "| >", "c a", "N '"].map(pair => pair.split(" "))
  .filter(pair => pair.length == 2);
function byteVocabulary() {
  const vocab = {};
  for (const c of [...alphabet].sort()) vocab[c] = Object.keys(vocab).length;
  const merges = [];
  for (const [a, b] of pairs) if (a in vocab && b in vocab) { vocab[a + b] ??= Object.keys(vocab).length; merges.push([a, b]); }
  return { vocab, merges };
}
const added = (id, content, more = {}) =>
  ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const noRegex = { ...byteLevel, use_regex: false };
const split = (regex, behavior = "Isolated", invert = false) => ({ type: "Split", pattern: { Regex: regex }, behavior, invert });
const sequence = (...pretokenizers) => ({ type: "Sequence", pretokenizers });
const cl100k = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
function bytes(change = {}, model = {}) {
  const { vocab, merges } = byteVocabulary();
  const size = Object.keys(vocab).length;
  return { version: "1.0", truncation: null, padding: null, added_tokens: [added(size, "<|endoftext|>"), added(size + 1, "<|im_start|>")], normalizer: null,
    pre_tokenizer: byteLevel, post_processor: null, decoder: byteLevel,
    model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false,
      ignore_merges: false, vocab, merges, ...model }, ...change };
}

// a vocabulary of characters, as converted from SentencePiece
const characters = [..."▁abcdefghijklmnopqrstuvwxyzABCDEFGHIT',.!?0123456789éñ漢文"];
const words = ["▁t", "▁th", "▁the", "▁a", "in", "er", "ll", "he", "▁w", "or", "▁wor", "ld", "▁world", "▁▁", "▁▁▁▁", "▁c", "an", "12", "▁H", "▁He", "▁Hello", "ello", "llo", "▁i", "▁in"];
const wordMerges = [["▁", "t"], ["▁t", "h"], ["▁th", "e"], ["▁", "a"], ["i", "n"], ["e", "r"], ["l", "l"], ["h", "e"], ["▁", "w"], ["o", "r"], ["▁w", "or"],
  ["l", "d"], ["▁wor", "ld"], ["▁", "▁"], ["▁▁", "▁▁"], ["▁", "c"], ["a", "n"], ["1", "2"], ["▁", "H"], ["▁H", "e"], ["ll", "o"], ["e", "llo"], ["▁He", "llo"], ["▁", "i"], ["▁i", "n"]];
const byteTokens = [...Array(256).keys()].map(b => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
const prepend = { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] };
const spDecoder = { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" },
  { type: "Strip", content: " ", start: 1, stop: 0 }] };
const metaspace = (prepend_scheme, split) => ({ type: "Metaspace", replacement: "▁", prepend_scheme, split });
function pieces(change = {}, model = {}, fallback = true) {
  const vocab = {};
  for (const token of ["<unk>", "<s>", "</s>", ...(fallback ? byteTokens : []), ...characters, ...words]) vocab[token] = Object.keys(vocab).length;
  return { version: "1.0", truncation: null, padding: null, added_tokens: [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")], normalizer: prepend,
    pre_tokenizer: null, post_processor: null, decoder: spDecoder,
    model: { type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true,
      byte_fallback: fallback, ignore_merges: false, vocab, merges: wordMerges, ...model }, ...change };
}
function unigram(change = {}, fallback = false) {
  const tokens = ["<unk>", "<s>", "</s>", ...(fallback ? byteTokens : []), ...characters, ...words];
  const vocab = tokens.map((token, i) => [token, i < 3 ? 0 : -(Math.round(Math.log(i + 2) * 1000) / 1000) + [...token].length * 0.75]);
  return { version: "1.0", truncation: null, padding: null, added_tokens: [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")], normalizer: null,
    pre_tokenizer: metaspace("always", true), post_processor: null, decoder: metaspace("always", true),
    model: { type: "Unigram", unk_id: 0, vocab, byte_fallback: fallback }, ...change };
}
const template = { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: "</s>", type_id: 0 } }],
  pair: [], special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] }, "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] } } };

const size = Object.keys(byteVocabulary().vocab).length;
const cases = {
  "byte level": bytes(),
  "byte level, prefix space": bytes({ pre_tokenizer: { ...byteLevel, add_prefix_space: true } }),
  "split by the pattern of cl100k": bytes({ pre_tokenizer: sequence(split(cl100k), noRegex) }),
  "split, removed": bytes({ pre_tokenizer: sequence(split("\\s"), split("[aeiou]+", "Removed"), noRegex) }),
  "split, merged with the previous": bytes({ pre_tokenizer: sequence(split(" ", "MergedWithPrevious"), noRegex) }),
  "split, merged with the next": bytes({ pre_tokenizer: sequence(split(" ", "MergedWithNext"), noRegex) }),
  "digits by themselves": bytes({ pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel) }),
  "digits together": bytes({ pre_tokenizer: sequence({ type: "Digits", individual_digits: false }, byteLevel) }),
  "punctuation": bytes({ pre_tokenizer: sequence({ type: "Punctuation", behavior: "Isolated" }, byteLevel) }),
  "ignore merges": bytes({}, { ignore_merges: true }),
  "lower case": bytes({ normalizer: { type: "Lowercase" } }),
  "composed": bytes({ normalizer: { type: "NFC" } }),
  "added tokens that strip": bytes({ added_tokens: [added(size, "<|endoftext|>", { lstrip: true, rstrip: true }), added(byteVocabulary().vocab["the"], "the", { special: false, single_word: true }),
    added(size + 1, "    ", { special: false }), added(size + 2, "<|im_start|>")] }),
  "pieces": pieces(),
  "pieces with a template": pieces({ post_processor: template }),
  "pieces without bytes": pieces({}, {}, false),
  "metaspace, always": pieces({ normalizer: null, pre_tokenizer: metaspace("always", true), decoder: metaspace("always", true) }),
  "metaspace, first": pieces({ normalizer: null, pre_tokenizer: metaspace("first", false), decoder: metaspace("first", false) }),
  "metaspace, never": pieces({ normalizer: null, pre_tokenizer: metaspace("never", true), decoder: metaspace("never", true) }),
  "unigram": unigram(),
  "unigram with bytes": unigram({}, true),
};
const result = Object.entries(cases).map(([name, tokenizer]) => {
  const made = new Tokenizer(tokenizer, {});
  return { name, tokenizer, vectors: texts.map(text => ({ text, ids: made.encode(text).ids })) };
});
console.log(JSON.stringify(result).replaceAll('{"name"', '\n{"name"'));
