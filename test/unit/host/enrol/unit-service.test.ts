import { startCommand } from '../../../../src/cli/doctor/probes';
import { node } from '../../../../src/config/settings/node';
import { serviceOfUnit } from '../../../../src/host/enrol/unit-service';

test.each(['vault', 'vault@prod'])('the unit %s is run by the driver for systemd, and started by its name', (unit) => {
  expect(node.shape.service.parse(serviceOfUnit(unit))).toMatchObject({ driver: 'systemd', unit });
  expect(startCommand(serviceOfUnit(unit))).toBe(`systemctl start ${unit}`);
});

test('commands are shown as they would be typed, and what the agent runs has none', () => {
  const service = { driver: 'command', start: ['up', 'a b'], stop: ['down'], status: ['ask'] };

  expect(startCommand(node.shape.service.parse(service))).toBe("up 'a b'");
  expect(startCommand(node.shape.service.parse({ driver: 'process', command: ['vault'] }))).toBeNull();
  expect(startCommand(undefined)).toBeNull();
});
