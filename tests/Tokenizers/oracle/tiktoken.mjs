// Writes tests/golden/tiktoken.json: what tiktoken gives for the texts. In a folder with the npm package tiktoken:
//   node PATH/tiktoken.mjs > PATH/../../golden/tiktoken.json
import { createRequire } from "node:module";
import { texts } from "./texts.mjs";

const { get_encoding } = createRequire(process.cwd() + "/")("tiktoken");
const result = {};
for (const name of ["r50k_base", "cl100k_base", "o200k_base"]) {
  const encoding = get_encoding(name);
  result[name] = texts.map(text => ({ text, ids: [...encoding.encode_ordinary(text)] }));
}
console.log(JSON.stringify(result).replaceAll('{"text"', '\n{"text"'));
