import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { notYet, waitsIn } from './not-yet';
import type { Turns } from './turns';

/** Each reads copies of a backup end to end. */
export const SURVEYS_AT_ONCE = 8;
const SURVEY = 'surveyBackups';

/** Holds the reading of backups for an evaluation until it is its turn, so that many don't take all memory and slots. */
export class SurveyTurnInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly turns: Turns) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const context = Context.current();
    const { workflowExecution: run, activityType } = context.info;
    if (!run || activityType !== SURVEY) return next(input);
    context.heartbeat(waitsIn(this.turns, 'evaluations'));
    const turn = await this.turns.take(run, context.cancellationSignal);
    if (turn !== null) throw notYet(this.turns, 'Evaluations', turn, 'Nothing needs to be done.');
    try {
      return await next(input);
    } finally {
      this.turns.end(run);
    }
  }
}
