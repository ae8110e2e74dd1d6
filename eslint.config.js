// Type-checked lint rules for the whole tree; a rule that is switched off says why.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/', 'node_modules/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.config.js'] } },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-await': 'error',
      // Numbers and booleans in messages are what an operator wants to read.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => void call()` reads better than a block in one-line callbacks.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Export by name: a default export is renamed at will.',
        },
        { selector: 'TSEnumDeclaration', message: 'Use a closed union of literals.' },
      ],
    },
  },
  // Nor by way of JSON.stringify, which asks a date for its toISOString; no rule can see that.
  {
    files: ['agent/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          property: 'toISOString',
          message: 'isoTime of utc.ts says the same, and costs no memory.',
        },
        {
          property: 'toUTCString',
          message: 'httpTime of utc.ts says the same, and costs no memory.',
        },
      ],
    },
  },
  // Tools read a default export from their configuration files.
  { files: ['*.config.js', '*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
