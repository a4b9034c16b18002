import { patientActivities } from '../../workflows/run/patient-activities';

const steps = patientActivities<{ answer(): Promise<string> }>(
  {
    answer: {
      scheduleToStartTimeout: 1_000,
      startToCloseTimeout: 3_000,
      scheduleToCloseTimeout: 4_000,
      heartbeatTimeout: 1_000,
      retry: { initialInterval: 200, backoffCoefficient: 1 },
    },
  },
  () => 'answer',
  'patient-step',
);

/** One step, with limits that a test can wait for. */
export async function askOneStep(): Promise<string> {
  return steps.answer();
}
