// Three projects: `unit` needs nothing but Node, `e2e` boots real test nodes, and `image` does some of its tests again
// with the agent in a container of its image.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', '**/node_modules/**'],
          setupFiles: ['test/support/properties.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'image',
          include: ['pulls', 'enforcement', 'install', 'modes', 'credentials'].map(
            (name) => `test/e2e/${name}.test.ts`,
          ),
          env: { TEST_AGENT: 'image', TEST_CONTAINERDS: 'own', TEST_UPGRADES: '1' },
          globalSetup: 'test/support/image-setup.ts',
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
