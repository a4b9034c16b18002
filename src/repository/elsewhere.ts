import { DrError } from '../contract/failures';
import type { Repository } from './types';

/** A directory that another controller serves: here it never answers. */
export class ElsewhereRepository implements Repository {
  readonly kind = 'directory';

  constructor(
    readonly name: string,
    private readonly host: string,
  ) {}

  put(): Promise<never> {
    return this.#refuse();
  }

  get(): Promise<never> {
    return this.#refuse();
  }

  identityOf(): Promise<never> {
    return this.#refuse();
  }

  async *list(): AsyncGenerator<never> {
    yield await this.#refuse();
  }

  newest(): Promise<never> {
    return this.#refuse();
  }

  remove(): Promise<never> {
    return this.#refuse();
  }

  isLocked(): Promise<never> {
    return this.#refuse();
  }

  removePartials(): Promise<never> {
    return this.#refuse();
  }

  #refuse(): Promise<never> {
    const { name, host } = this;
    return Promise.reject(
      new DrError('RepositoryUnavailable', `${name} is served by the controller ${host}, which does not answer.`, {
        where: name,
        notice: 'directory-elsewhere',
        advice: `Start the controller on ${host}. Backups continue without ${name}, and the next one catches it up.`,
        // Trying again here is of no use.
        retryable: false,
      }),
    );
  }
}
