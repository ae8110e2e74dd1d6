// Names of plugins. They come from signatures and become paths: attacker-controlled until here.

/** The longest file name of Linux less `notation-`. */
const MAX_LENGTH = 255 - 'notation-'.length;
const NAME = /^[a-zA-Z0-9_.-]+$/;

/** Tells whether a text is one path component that a plugin can be installed as. */
export function isPluginName(text: string): boolean {
  return text.length <= MAX_LENGTH && NAME.test(text) && text !== '.' && text !== '..';
}
