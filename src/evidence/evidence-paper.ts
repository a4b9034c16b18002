import { formatBytes, formatCount, formatSeconds, formatTime } from '../contract/format';
import type { Block, Paper } from '../paper/paper';
import { EVIDENCE_FORMAT, type EvidenceBackup, type EvidenceDocument, type EvidenceRecovery } from './schema';

/** In tables of hashes: which one it is can be seen, and all of it is in the JSON file. */
const SHORT_HASH = 16;

/** Names of the file with the hashes, and of its signature. */
interface SignedFiles {
  sums: string;
  signature: string;
}

/** The document for people: the verdicts first, then what they rest on, then how to check it. */
export function evidencePaper(evidence: EvidenceDocument, files: SignedFiles): Paper {
  const { cluster, period, createdAt } = evidence;
  return {
    title: `Evidence of backup and recovery: ${cluster}`,
    date: createdAt,
    footer: `${cluster}, ${formatTime(period.from)} to ${formatTime(period.to)}; its SHA-256 is in ${files.sums}, which is signed`,
    blocks: [
      ...summary(evidence),
      ...standards(evidence),
      ...backups(evidence),
      ...recoveries(evidence),
      ...practice(evidence),
      ...records(evidence),
      ...verification(evidence, files),
    ],
  };
}

function summary({
  verdict,
  period,
  objectives,
  createdAt,
  createdBy,
  repositories,
  checks,
}: EvidenceDocument): Block[] {
  const { rpoSeconds, rtoSeconds } = objectives;
  const open = checks.filter((one) => one.verdict !== 'met').length;
  return [
    {
      kind: 'paragraph',
      text: `${capital(verdict)}: ${formatCount(checks.length - open, 'check')} of ${checks.length} met. What could not be checked is never a pass.`,
    },
    {
      kind: 'table',
      columns: ['', ''],
      rows: [
        ['Period', `${formatTime(period.from)} to ${formatTime(period.to)} (UTC)`],
        [
          'Made',
          `${formatTime(createdAt)} by ${createdBy.person}, with ${createdBy.product} on ${createdBy.controller}`,
        ],
        ['Recovery point objective', rpoSeconds === null ? 'none configured' : formatSeconds(rpoSeconds)],
        ['Recovery time objective', rtoSeconds === null ? 'none configured' : formatSeconds(rtoSeconds)],
      ],
    },
    {
      kind: 'table',
      columns: ['check', 'verdict', 'asked', 'seen'],
      rows: checks.map((one) => [one.check, one.verdict, one.asked, one.seen]),
    },
    ...table(
      'Repositories',
      ['repository', 'type', 'place', 'locks', ''],
      repositories.map((one) => [
        one.repository,
        one.type,
        one.place,
        one.lock ?? 'no',
        one.problem === null ? 'answered' : `did not answer: ${one.problem}`,
      ]),
      'none',
    ),
  ];
}

function standards({ standards: all }: EvidenceDocument): Block[] {
  return [
    { kind: 'heading', level: 1, text: 'By standard' },
    {
      kind: 'paragraph',
      text: 'Each control asks for more than a tool for backups can show: policies, people, other systems. This is what it can.',
    },
    ...all.flatMap(({ standard, controls }): Block[] => [
      { kind: 'heading', level: 2, text: standard },
      {
        kind: 'table',
        columns: ['control', 'title', 'verdict', 'checks'],
        rows: controls.map((one) => [one.control, one.title, one.verdict, one.checks.join(', ')]),
      },
    ]),
  ];
}

function backups({ backups: all, failedBackups }: EvidenceDocument): Block[] {
  return [
    ...table(
      'Backups and their copies',
      ['backup', 'captured', 'size', 'encryption', 'copies'],
      all.map((one) => [
        one.generation,
        formatTime(one.capturedAt),
        one.sizeBytes === null ? '' : formatBytes(one.sizeBytes),
        one.encryption ?? '',
        copiesText(one),
      ]),
      'No backup of the period is known.',
      'Whole: every byte was read for this document. Listed: signed and in place, but not read. A backup that is no longer there is known by a signed record that names it, or by the audit trail alone.',
    ),
    ...(failedBackups.length === 0
      ? []
      : table(
          'Backups that failed',
          ['at', 'code', 'what'],
          failedBackups.map(({ at, code, problem }) => [formatTime(at), code, problem]),
          '',
        )),
  ];
}

function copiesText({ copies, source, imported }: EvidenceBackup): string {
  const known =
    source === 'copies'
      ? []
      : [`no longer there; known by ${source === 'audit trail' ? 'the audit trail' : 'a signed record'}`];
  const shown = source === 'copies' ? copies : copies.filter(({ state }) => state === 'unknown' || state === 'removed');
  return [
    ...known,
    ...(imported ? ['imported'] : []),
    ...shown.map(({ repository, state, lockedUntil, problem }) => {
      const lock =
        lockedUntil === null
          ? ''
          : `, locked ${lockedUntil === 'for good' ? lockedUntil : `until ${formatTime(lockedUntil)}`}`;
      return `${repository}: ${state}${lock}${problem === null ? '' : ` (${problem})`}`;
    }),
  ].join('; ');
}

function recoveries({ recoveries: all }: EvidenceDocument): Block[] {
  return [
    ...table(
      'Restores and other recoveries',
      ['run', 'what', 'requested by', 'began', 'ended as', 'time', 'known by'],
      all.map((one) => [
        one.run,
        `${one.method ?? 'not known'}${one.rehearsal ? ', rehearsal' : ''}${one.generation === null ? '' : ` of ${one.generation}`}`,
        one.requestedBy,
        formatTime(one.startedAt),
        `${one.status}${one.changedNodes ? '' : '; no host was changed'}`,
        timesText(one),
        one.source === 'signed report' ? `signed report in ${one.repositories.join(', ')}` : one.source,
      ]),
      'There was none in the period.',
    ),
    ...table(
      'Who approved, and who unsealed',
      ['run', 'approvals', 'verdict', 'unseal shares of'],
      all
        .filter(({ changedNodes, approvals }) => changedNodes || approvals.length > 0)
        .map(({ run, approvals, approved, holders }) => [
          run,
          approvals
            .map(
              ({ approver, at, problem }) => `${approver} (${formatTime(at)}${problem === null ? '' : `; ${problem}`})`,
            )
            .join(', ') || 'none',
          approved,
          holders.join(', '),
        ]),
      'No recovery of the period changed a host.',
    ),
  ];
}

function timesText({ rtoSeconds, machineSeconds, peopleSeconds, rpoSeconds }: EvidenceRecovery): string {
  if (rtoSeconds === null) return 'not known';
  const parts = `machines ${formatSeconds(machineSeconds ?? 0)}, people ${formatSeconds(peopleSeconds ?? 0)}`;
  return `${formatSeconds(rtoSeconds)} (${parts})${rpoSeconds === null ? '' : `; lost ${formatSeconds(rpoSeconds)}`}`;
}

function practice({ drills, rollCalls, pins }: EvidenceDocument): Block[] {
  return [
    ...table(
      'Drills',
      ['at', 'backup', 'from', 'outcome', 'time', 'server'],
      drills.map((one) => [
        formatTime(one.at),
        one.generation,
        one.repository,
        one.passed ? `passed: ${one.level}` : `failed: ${one.failure ?? ''}`,
        formatSeconds(one.seconds),
        one.serverVersion ?? '',
      ]),
      'There was none in the period.',
    ),
    ...table(
      'Roll-calls of key holders',
      ['at', 'shares', 'holders'],
      rollCalls.map(({ at, shares, threshold, holders }) => [
        formatTime(at),
        `${threshold} of ${shares}`,
        holders.map(({ holder, outcome }) => `${holder}: ${outcome}`).join(', '),
      ]),
      'There was none in the period.',
    ),
    ...(pins.length === 0
      ? []
      : table(
          'Pins',
          ['at', 'backup', 'what', 'by', 'reason'],
          pins.map((one) => [
            formatTime(one.at),
            one.generation,
            one.pinned ? 'pinned' : 'unpinned',
            one.by,
            one.reason,
          ]),
          '',
        )),
  ];
}

function records({ findings, auditTrails, auditHeads, auditActivity, marks }: EvidenceDocument): Block[] {
  return [
    ...table(
      'Findings',
      ['where', 'what'],
      findings.map(({ where, text }) => [where, text]),
      'None.',
    ),
    ...table(
      'Audit trails',
      ['controller', 'read in', 'lines', 'SHA-256 of the last line', 'problems'],
      auditTrails.map(({ controller, place, records: lines, head, problems, behind }) => [
        controller,
        place,
        `${lines}${behind > 0 ? `, ${behind} not copied` : ''}`,
        head ?? '',
        problems.join('; ') || 'none',
      ]),
      'No audit trail could be read.',
    ),
    ...table(
      'Heads in the repositories',
      ['controller', 'line', 'at', 'SHA-256 of that line'],
      auditHeads.map(({ controller, line, at, sha256 }) => [controller, String(line), formatTime(at), sha256]),
      'There is none.',
      'The newest of each trail. Whoever changes a trail would have to change these as well.',
    ),
    ...table(
      'Lines of the audit trail in the period',
      ['action', 'outcome', 'lines'],
      auditActivity.map(({ action, outcome, lines }) => [action, outcome, String(lines)]),
      'There is none.',
    ),
    ...table(
      'Marks',
      ['repository', 'marks', 'SHA-256 of those that no other mark names'],
      marks.map(({ repository, marks: count, heads }) => [
        repository,
        String(count),
        heads.map((head) => head.slice(0, SHORT_HASH)).join(', '),
      ]),
      'No repository could be read.',
      'Signed statements about backups: restores, drills, roll-calls, pins, removals.',
    ),
  ];
}

function verification({ signingKeySha256 }: EvidenceDocument, { sums, signature }: SignedFiles): Block[] {
  return [
    { kind: 'heading', level: 1, text: 'How to check this document' },
    {
      kind: 'paragraph',
      text: `One signature covers all of it: that of ${sums}, which names the SHA-256 of each file. What it does not name is not covered. Take the public key from a source of your own; its SHA-256 in DER is the one below.`,
    },
    {
      kind: 'code',
      lines: [
        'openssl pkeyutl -verify -pubin -inkey signing-key.pub.pem -rawin \\',
        `  -in ${sums} -sigfile ${signature}`,
        `head -n 1 ${sums}   # ${EVIDENCE_FORMAT}, the cluster and the period`,
        `sha256sum -c ${sums}`,
        'openssl pkey -pubin -in signing-key.pub.pem -outform DER | sha256sum',
        `# ${signingKeySha256}`,
      ],
    },
    { kind: 'heading', level: 2, text: 'What it rests on' },
    {
      kind: 'list',
      items: [
        'Backups, marks and reports: signatures by the key above, verified for this document. Whoever has the key, as the host of a controller, can sign false ones, and a false document.',
        'Approvals: signatures of the approvers themselves, verified with the keys that the configuration names now.',
        "The audit trail, and what reports say happened: what runs said. Whoever can write to Temporal's namespace can have false ones written. They count against a check; alone they never count for it.",
        'What somebody removed from every repository, together with everything that names it, is not seen.',
      ],
    },
  ];
}

/** With its heading; a sentence in place of an empty one. */
function table(heading: string, columns: string[], rows: string[][], none: string, note?: string): Block[] {
  return [
    { kind: 'heading', level: 1, text: heading },
    ...(note === undefined ? [] : [{ kind: 'paragraph', text: note } as const]),
    rows.length === 0 ? { kind: 'paragraph', text: none } : { kind: 'table', columns, rows },
  ];
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
