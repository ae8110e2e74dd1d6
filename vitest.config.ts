// Four projects: `unit` needs nothing but Node, `e2e` boots real test nodes, `image` does some of its tests again with
// the agent in a container of its image, and `bench` measures for a minute.
import { defineConfig } from 'vitest/config';

/** Nothing is asserted of the time that things take: a machine that is busy besides is waited for. */
const expectPatiently = { poll: { timeout: 60_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/benchmarks/short/**', '**/node_modules/**'],
          setupFiles: ['test/support/properties.ts'],
          testTimeout: 120_000,
          expect: expectPatiently,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: expectPatiently,
          // Much of the time goes by in waiting for nodes.
          maxWorkers: 2,
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
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: expectPatiently,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'bench',
          include: ['test/benchmarks/short/**/*.test.ts'],
          // What disturbs a measurement passes.
          retry: 2,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
