import { patientActivities } from '../../workflows/patient-activities';

const steps = patientActivities<{ answer(): Promise<string> }>({
  taskQueue: 'patient-step',
  scheduleToStartTimeout: '1s',
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '4s',
  heartbeatTimeout: '1s',
  retry: { initialInterval: '200ms', backoffCoefficient: 1 },
});

/** One step, with limits that a test can wait for. */
export async function askOneStep(): Promise<string> {
  return steps.answer();
}
