import { parseS3Url } from '../../../../src/repository/import/s3-url';

describe('a place in a bucket', () => {
  it.each([
    ['s3://backups/vault/prod/', { bucket: 'backups', prefix: 'vault/prod/' }],
    ['s3://backups/vault 1.snap', { bucket: 'backups', prefix: 'vault 1.snap' }],
    ['s3://backups', { bucket: 'backups', prefix: '' }],
    ['s3://backups/', { bucket: 'backups', prefix: '' }],
    ['/mnt/s3/backups', null],
    ['backups/vault.snap', null],
  ])('%s', (text, place) => {
    expect(parseS3Url(text)).toEqual(place);
  });

  it.each([
    ['s3://'],
    ['s3:///key'],
    ['s3://Up/key'],
    [`s3://backups/${'x'.repeat(1_025)}`],
    ['s3://a b/key\u001b[2J'],
  ])('is refused when it is none: %j', (text) => {
    expect(() => parseS3Url(text)).toThrow(
      expect.objectContaining({ code: 'InvalidInput', message: expect.not.stringContaining('\u001b') }),
    );
  });
});
