/** A part of a program that is started and stopped. `stop` undoes `start`, and both may be called again afterwards. */
export abstract class BaseService {
  /** For logs. */
  public get name(): string {
    return this.constructor.name;
  }

  public abstract start(): void | Promise<void>;
  public abstract stop(): void | Promise<void>;
}
