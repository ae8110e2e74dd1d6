// What the status page shows of this node, gathered from where it is kept.
import { listInventory, type ListedImage, needsLook } from '../../audit/inventory-list.ts';
import type { HistoryEntry } from '../../audit/history-record.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { PageContent, PageDetails, PageImage, PagePull } from '../../metrics/page/content.ts';
import { type ImageFilter, parseImageFilter } from '../../metrics/page/image-filter.ts';
import { MAX_IMAGES } from '../../metrics/page/images-section.ts';
import { MAX_PULLS } from '../../metrics/page/pulls-section.ts';
import type { TrustedCertificate } from '../../verifier/in-force.ts';
import { calledAs, podsOf } from '../images-report.ts';
import { breakGlassOf, type StatusParts } from './status.ts';

/** What is shown, as its owners hold it. */
export interface StatusPageParts extends StatusParts {
  /** As Kubernetes names it. */
  readonly nodeName: string | undefined;
  /** Those that expire first, the first first. */
  readonly certificates: () => readonly TrustedCertificate[];
  /** Where images and pulls are; undefined where they are not to be shown. */
  readonly ledger:
    Pick<Ledger, 'atOneMoment' | 'eachImage' | 'containers' | 'moment' | 'history'> | undefined;
}

/** A node that does little else than re-verify has few pulls among its lines; looking for more would be slow. */
const MAX_LINES = 10_000;

/** By the query of the page's address. Throws `ledger_failed`. */
export function statusPage(parts: StatusPageParts, query: string): PageContent {
  const { version, mode, nodeName, ledger } = parts;
  const { state, causes, provedAt } = parts.enforcement();
  const certificates = parts.certificates();
  return {
    ...{ version, mode, state, causes, provedAt, now: parts.now(), node: nodeName ?? null },
    breakGlass: breakGlassOf(parts.breakGlass()),
    problems: parts.problems(),
    policy: parts.policy(),
    trust: { ...parts.trust(), certificates, total: certificates.length },
    inventory: parts.inventory(),
    journalLagSeconds: parts.journalLagSeconds(),
    details: ledger === undefined ? null : detailsOf(ledger, parseImageFilter(query)),
  };
}

function detailsOf(
  ledger: NonNullable<StatusPageParts['ledger']>,
  filter: ImageFilter,
): PageDetails {
  const { images } = listInventory(ledger);
  const matching = images.filter((image) => matches(image, filter));
  const pulls = ledger.history.latest('pull', MAX_PULLS, MAX_LINES);
  return {
    filter,
    images: matching.slice(0, MAX_IMAGES).map(pageImage),
    matching: matching.length,
    total: images.length,
    pulls: pulls.map(pagePull),
  };
}

function matches(image: ListedImage, { choice, isRunning, text }: ImageFilter): boolean {
  if (choice === 'look' && !needsLook(image)) return false;
  if (choice !== 'look' && choice !== 'all' && choice !== image.state) return false;
  if (isRunning && image.containers.length === 0) return false;
  const { repository, names, digest, verdict } = image;
  const texts = [repository, ...names, digest, verdict?.signer, ...podsOf(image)];
  return texts.some((one) => (one ?? '').toLowerCase().includes(text.toLowerCase()));
}

function pageImage(image: ListedImage): PageImage {
  const { digest, state, cause, since, verdict } = image;
  return {
    ...calledAs(image),
    ...{ digest, state, cause, since, needsLook: needsLook(image) },
    reason: verdict?.reason ?? null,
    message: verdict?.message ?? '',
    signer: verdict?.signer ?? null,
    runsIn: podsOf(image),
  };
}

function pagePull({ time, name, digest, admitted, ...verdict }: HistoryEntry): PagePull {
  const { decision, reason, message, mode } = verdict;
  return {
    ...{ at: new Date(time), image: name, digest, isAdmitted: admitted ?? false },
    ...{ decision, reason, message, mode },
  };
}
