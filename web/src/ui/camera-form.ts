/** `<camera-form>`: a further camera for this page; fires `add` with its name. */

import { css, html, LitElement } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import { type NameProblem, nameProblem, suggestedCameras } from "../studio/camera-names";
import { base, buttons, fields } from "./styles";

const problems: Readonly<Record<NameProblem, MessageKey>> = { unfit: "cameraNameUnfit", known: "cameraNameKnown" };

@customElement("camera-form")
export class CameraForm extends LitElement {
  static override styles = [
    base,
    buttons,
    fields,
    css`
      form {
        display: grid;
        gap: 8px;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      input {
        flex: 1 1 10rem;
        width: 0;
      }
    `,
  ];

  /** The names of the cameras that the page has. */
  @property({ attribute: false }) known: readonly string[] = [];

  @state() private problem: NameProblem | undefined;
  @query("input") private field!: HTMLInputElement;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    const suggested = suggestedCameras.filter((name) => !this.known.includes(name));
    return html`<form @submit=${this.submit}>
      <label for="camera-name">${text("cameraAddTitle")}</label>
      <small class="quiet" id="camera-hint">${text("cameraAddHint")}</small>
      <div class="line">
        <input
          id="camera-name"
          list="suggested"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          maxlength="64"
          aria-describedby="camera-hint"
          placeholder=${suggested[0] ?? ""}
          @input=${() => (this.problem = undefined)}
        />
        <datalist id="suggested">${suggested.map((name) => html`<option value=${name}></option>`)}</datalist>
        <button type="submit" id="add-camera">${text("cameraAdd")}</button>
      </div>
      <p class="problem" role="alert">${this.problem ? text(problems[this.problem]) : ""}</p>
    </form>`;
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    const name = this.field.value.trim() || this.field.placeholder;
    this.problem = nameProblem(name, this.known);
    if (this.problem) return;
    this.field.value = "";
    this.dispatchEvent(new CustomEvent("add", { detail: name }));
  }
}
