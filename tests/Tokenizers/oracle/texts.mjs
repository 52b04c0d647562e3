// Texts that tokenizers cut in different ways.
export const texts = [
  "", " ", "Hello world", " leading and trailing ", "I've they'll we'd it's CAN'T WE'RE IT'S you'Ve 'S 'ſ 'K", "tabs\tand\n\nlines\r\n  indented\n \n",
  "a   b    c     ", "x\u00a0y\u2003z\u3000w\u2028v\u0085u", "1 12 123 1234 12345678 3.14 1,000,000 ½ ² Ⅷ ٣٤٥", "snake_case camelCase HTTPServer XMLHttpRequest iOS McDonald",
  "if (x[i] != y->z) { return -1; } // comment", "https://example.org/a/b?c=d&e=f#g", "naïve café Ångström Ünïcödé ÀÉÎ", "Привет, мир! ΑΒΓ αβγ ǅ ʰ",
  "漢字かな交じり文、한국어 문장。", "𝒳𝒴𝟘𝟙 𠀀𠀁 𐐀𐐨 𐍈", "🙂🙃 👩‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏽 ❤️", "שָׁלוֹם عَرَبِيّ हिन्दी ไทยภาษา", "e\u0301 n\u0303 o\u0302\u0301", "zero\u200bwidth\u200djoin\ufeff", "ctrl\u0000\u0001\u001f\u007f",
  "<|endoftext|> and <|im_start|>", "!!! ??? ... --- ((())) \"\"\"", "…—–“”‘’«»", "$5 €6 £7 ¥8 +=<>^`|~", "ALLCAPS Title lower MiXeD ÉCOLE école", "\n\n\n", "   \n   x", "end with newline\n", "word\n\nword \n word", "a\u0300\u0301b ﬁ ① ㎏ Å",
];
