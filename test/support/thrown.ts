import { isDrError, type DrError } from '../../src/contract/failures';

/** The error that `work` throws; it must throw one. */
export function thrownBy(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}

/** What a promise is rejected with; it must be rejected. */
export async function rejectionOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}

/** The same where it must be an error of this project. */
export async function failureOf(work: Promise<unknown>): Promise<DrError> {
  const error = await rejectionOf(work);
  if (isDrError(error)) return error;
  throw error;
}
