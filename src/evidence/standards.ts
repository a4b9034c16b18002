/** What is asked of a cluster and of a period, in the order in which it is printed. Names in documents, so none is renamed. */
export const CHECKS = [
  'recovery-point',
  'recovery-time',
  'backups-whole',
  'two-repositories',
  'encrypted',
  'locked',
  'chain',
  'tests',
  'key-holders',
  'approvals',
  'audit-trail',
] as const;
export type CheckName = (typeof CHECKS)[number];

interface Control {
  control: string;
  title: string;
  checks: readonly CheckName[];
}

/** Which control asks for what. Each asks for more than a tool for backups can show. */
export const STANDARDS: readonly { standard: string; controls: readonly Control[] }[] = [
  {
    standard: 'ISO/IEC 27001:2022, Annex A',
    controls: [
      {
        control: 'A.8.13',
        title: 'Information backup',
        checks: ['recovery-point', 'backups-whole', 'two-repositories', 'encrypted', 'locked', 'chain', 'tests'],
      },
      {
        control: 'A.8.14',
        title: 'Redundancy of information processing facilities',
        checks: ['two-repositories', 'recovery-time', 'tests'],
      },
      {
        control: 'A.5.29',
        title: 'Information security during disruption',
        checks: ['approvals', 'key-holders', 'encrypted', 'audit-trail'],
      },
      {
        control: 'A.5.30',
        title: 'ICT readiness for business continuity',
        checks: ['recovery-point', 'recovery-time', 'tests', 'key-holders'],
      },
    ],
  },
  {
    standard: 'SOC 2, Trust Services Criteria for availability',
    controls: [
      {
        control: 'A1.2',
        title: 'Data backup processes and recovery infrastructure',
        checks: ['recovery-point', 'backups-whole', 'two-repositories', 'locked', 'chain'],
      },
      {
        control: 'A1.3',
        title: 'Tests of recovery plan procedures',
        checks: ['tests', 'recovery-time', 'key-holders'],
      },
    ],
  },
  {
    standard: 'DORA, Regulation (EU) 2022/2554',
    controls: [
      {
        control: 'Article 11',
        title: 'Response and recovery',
        checks: ['recovery-time', 'tests', 'key-holders', 'approvals', 'audit-trail'],
      },
      {
        control: 'Article 12',
        title: 'Backup policies and procedures, restoration and recovery procedures and methods',
        checks: [
          'recovery-point',
          'recovery-time',
          'backups-whole',
          'two-repositories',
          'encrypted',
          'locked',
          'chain',
          'tests',
        ],
      },
    ],
  },
  {
    standard: 'PCI DSS v4.0.1',
    controls: [
      {
        control: '12.10.1',
        title: 'An incident response plan exists and is ready: recovery procedures, data backup processes',
        checks: ['recovery-point', 'backups-whole', 'recovery-time', 'approvals'],
      },
      {
        control: '12.10.2',
        title: 'The plan is tested at least once every 12 months',
        checks: ['tests', 'key-holders'],
      },
    ],
  },
];
