/** How loud the microphone is, so that the technician sees that it works. */

export class LevelMeter {
  private context: AudioContext | undefined;
  private analyser: AnalyserNode | undefined;
  private samples = new Float32Array(1024);

  follow(track: MediaStreamTrack | undefined): void {
    this.close();
    if (!track) return;
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = this.samples.length;
    this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
  }

  /** 0 to 1 over the upper 60 dB; 0 while the browser has not let the sound in. */
  read(): number {
    if (!this.analyser) return 0;
    void this.context?.resume();
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, value) => sum + value * value, 0) / this.samples.length;
    const decibels = 10 * Math.log10(power + 1e-12);
    return Math.min(1, Math.max(0, (decibels + 60) / 60));
  }

  close(): void {
    void this.context?.close();
    this.context = undefined;
    this.analyser = undefined;
  }
}
