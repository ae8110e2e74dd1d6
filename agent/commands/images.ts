// `nodeseal images`: which images are on this node, verified or not, and why; read from the ledger beside a running agent.
import { SYSTEM_CLOCK } from '../audit/clock.ts';
import { IMAGE_CAUSES, IMAGE_STATES } from '../audit/image-state.ts';
import {
  type InventoryList,
  listInventory,
  type ListedImage,
  needsLook,
} from '../audit/inventory-list.ts';
import { openLedger } from '../audit/ledger.ts';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { imageDocument } from './images-document.ts';
import { describeInventory } from './images-report.ts';
import { jsonLine } from './output.ts';
import { ledgerPath } from './run/node-ledger.ts';
import { screenOf } from './screen.ts';

const HELP = `Usage: nodeseal images [options]

Lists the images on this node, each once: its state, how it came, since when it is in that state, who
signed it or why not, and the pods that run it. Those that somebody should look at come first. Read
from the ledger in NODESEAL_STATE_DIR, whether an agent runs or not.

States: failed (the evidence says no), unverified (nobody has looked, or the policy asks for no
signature), inconclusive (could not tell), stale (could not tell just now, was verified before),
verified. Causes: pulled (our verifier let it in), imported (put into the image store around any pull),
present-before-install, bypassed (pulled without our verdict), skipped-by-policy, no-record.

  --state STATE      only those in STATE; several are separated by commas
  --cause CAUSE      the same for causes
  --image TEXT       only those with a name, or repository@digest, that contains TEXT
  --running          only those that a container runs
  --output FORMAT    text (default) or json: one object per line, with whole values

Exit status: 0 all that are listed are verified, or the policy asks no signature of them; 1 at least
one is not; 2 could not run (bad arguments, no ledger, or none that knows the images yet).
`;

const OPTIONS = {
  state: { type: 'string' },
  cause: { type: 'string' },
  image: { type: 'string' },
  running: { type: 'boolean' },
  output: { type: 'string' },
} as const;

/** The command. */
export const images: Command = {
  name: 'images',
  summary: 'List the images on this node, and why they are verified or not',
  help: HELP,
  run: runImages,
};

function runImages({ args, environment, stdout }: CommandContext): Promise<ExitCode> {
  const { values } = parseArguments(args, OPTIONS, []);
  const format = outputFormat(values.output);
  const fits = filterOf(values);
  const list = readInventory(ledgerPath(parseConfig(environment)));
  const shown = list.images.filter(fits);
  const text =
    format === 'json'
      ? shown.map((image) => jsonLine(imageDocument(image))).join('')
      : describeInventory(shown, list, SYSTEM_CLOCK.now(), screenOf(stdout, environment));
  stdout.write(text);
  return Promise.resolve(shown.some(needsLook) ? 1 : 0);
}

/** Throws `ledger_failed`, also for a ledger that does not know the images yet: no list is not an empty one. */
function readInventory(path: string): InventoryList {
  const ledger = openLedger(path, { readOnly: true });
  try {
    const list = listInventory(ledger);
    if (list.listedAt !== null) return list;
  } finally {
    ledger.close();
  }
  throw new AgentError(
    'ledger_failed',
    `ledger ${path}: expected the images of this node, found that no agent has listed them yet`,
  );
}

interface Filter {
  readonly state?: string;
  readonly cause?: string;
  readonly image?: string;
  readonly running?: boolean;
}

function filterOf({ state, cause, image, running }: Filter): (one: ListedImage) => boolean {
  const states = someOf(IMAGE_STATES, state, '--state');
  const causes = someOf(IMAGE_CAUSES, cause, '--cause');
  return (one) =>
    states.has(one.state) &&
    causes.has(one.cause) &&
    (image === undefined || namesOf(one).some((name) => name.includes(image))) &&
    (running !== true || one.containers.length > 0);
}

function namesOf({ names, repository, digest }: ListedImage): readonly string[] {
  return [...names, `${repository ?? ''}@${digest ?? ''}`];
}

function someOf(
  values: readonly string[],
  text: string | undefined,
  option: string,
): ReadonlySet<string> {
  const wanted = text === undefined ? values : text.split(',').map((word) => word.trim());
  const strange = wanted.find((word) => !values.includes(word));
  if (strange === undefined) return new Set(wanted);
  throw new AgentError(
    'argument_invalid',
    `${option}: expected ${values.join(', ')}, found ${JSON.stringify(strange)}`,
  );
}
