// Texts that outlive the documents they were read from.

/** The same text. What V8 cuts from a document keeps all of the document in memory. */
export function copyText<Text extends string>(text: Text): Text {
  return Buffer.from(text).toString() as Text;
}
