import { controllerName } from '../../../src/config/controller-name';

describe('the name of a controller', () => {
  it.each([
    ['ctl-1', 'ctl-1'],
    ['CTL-1.Example.com', 'ctl-1-example-com'],
    ['-odd_host-', 'odd-host'],
    ['h'.repeat(70), 'h'.repeat(63)],
  ])('of the host %s is %s', (host, name) => {
    expect(controllerName({ controller: {} }, host)).toBe(name);
  });

  it('is the configured one, whatever the host is called', () => {
    expect(controllerName({ controller: { name: 'east' } }, 'ctl-1')).toBe('east');
  });

  it('has to be configured where the host has none that can be used', () => {
    expect(() => controllerName({ controller: {} }, '...')).toThrow("can't be the name of a controller");
  });
});
