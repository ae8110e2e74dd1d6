// The status page's trust: which certificates expire soon, which have, and which is next.
import type { PageCertificate, PageContent } from './content.ts';
import { markup, type Markup } from './markup.ts';
import { moment } from './moment.ts';
import { table } from './table.ts';

/** Trust stores hold few; whoever has more of them expire at once replaces them all. */
export const MAX_CERTIFICATES = 20;
/** As the metrics, `status` and `policy check` do: long enough to have a certificate replaced. */
const SOON_MS = 30 * 24 * 60 * 60 * 1000;

const TITLES = ['Certificate', 'Trust store', 'Expires'] as const;

/** Those that have expired or do so soon; without any, the one that is next. */
export function trustSection({ certificates, total }: PageContent['trust'], now: Date): Markup {
  const due = certificates.filter((one) => isDue(one, now));
  const shown = (due.length > 0 ? due : certificates.slice(0, 1)).slice(0, MAX_CERTIFICATES);
  return markup`<section aria-labelledby="trust">
<h2 id="trust">Expiring trust</h2>
<p>${summary(due.length, total)}</p>
${
  shown.length === 0
    ? ''
    : table(
        due.length > 0 ? 'Certificates that expire first' : 'The next to expire',
        TITLES,
        shown.map((one) => row(one, now)),
      )
}
</section>`;
}

function summary(due: number, total: number): string {
  if (total === 0) return 'No certificate is trusted.';
  const all = `${total} ${total === 1 ? 'certificate is' : 'certificates are'} trusted`;
  if (due === 0) return `${all}; none expires within 30 days.`;
  const rest = due > MAX_CERTIFICATES ? ` The first ${MAX_CERTIFICATES} are shown.` : '';
  return `${all}; ${due} expired or will within 30 days.${rest}`;
}

function row(certificate: PageCertificate, now: Date): readonly Markup[] {
  const { subject, store, notAfter } = certificate;
  const tone = notAfter <= now ? 'bad' : isDue(certificate, now) ? 'unsure' : 'plain';
  return [
    markup`${subject}`,
    markup`<code>${store}</code>`,
    markup`<span class="${tone}">${notAfter <= now ? 'expired ' : ''}${moment(notAfter, now)}</span>`,
  ];
}

function isDue({ notAfter }: PageCertificate, now: Date): boolean {
  return notAfter.getTime() - now.getTime() < SOON_MS;
}
