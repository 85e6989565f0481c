/** Paints the cameras and screens of the participants in the pictures, on canvases in a page. */

/** Appearance of one person; hues are in degrees. */
export interface Looks {
  readonly wall: number;
  readonly clothes: number;
  readonly skin: string;
  readonly hair: string;
  readonly cut: 'short' | 'long' | 'bun' | 'curly' | 'bald';
  readonly beard?: boolean;
  readonly glasses?: boolean;
}

export type Document = 'plan' | 'chart';

export interface Painter {
  /** Paints a person in front of a wall at a time in seconds. */
  portrait(canvas: HTMLCanvasElement, looks: Looks, time: number): void;
  document(canvas: HTMLCanvasElement, what: Document, time: number): void;
}

declare global {
  interface Window {
    painter: Painter;
  }
}

/** Runs in a page; it may use nothing from outside. */
export function installPainter(): void {
  const walls = new Map<string, HTMLCanvasElement>();

  function brushOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const brush = canvas.getContext('2d');
    if (!brush) throw new Error('no canvas');
    return brush;
  }

  function wallOf(width: number, height: number, hue: number): HTMLCanvasElement {
    const key = `${width}x${height} ${hue}`;
    const known = walls.get(key);
    if (known) return known;
    const wall = Object.assign(document.createElement('canvas'), { width, height });
    const brush = brushOf(wall);
    const paint = brush.createLinearGradient(0, 0, width, height);
    paint.addColorStop(0, `hsl(${hue} 32% 66%)`);
    paint.addColorStop(1, `hsl(${hue + 30} 30% 34%)`);
    brush.fillStyle = paint;
    brush.fillRect(0, 0, width, height);
    brush.filter = `blur(${height / 28}px)`;
    const right = hue % 2 === 0;
    const box = (x: number, y: number, w: number, h: number, colour: string) => {
      brush.fillStyle = colour;
      brush.fillRect((right ? x : 1 - x - w) * width, y * height, w * width, h * height);
    };
    box(0.03, 0.06, 0.2, 0.5, `hsl(${hue + 180} 60% 90% / 0.65)`);
    box(0.125, 0.06, 0.012, 0.5, `hsl(${hue} 20% 40% / 0.5)`);
    box(0.74, 0.22, 0.24, 0.03, `hsl(${hue} 30% 24% / 0.7)`);
    box(0.77, 0.08, 0.03, 0.14, `hsl(${hue + 150} 45% 55% / 0.8)`);
    box(0.81, 0.1, 0.025, 0.12, `hsl(${hue + 60} 50% 60% / 0.8)`);
    box(0.86, 0.06, 0.04, 0.16, `hsl(${hue + 210} 35% 45% / 0.8)`);
    box(0.74, 0.52, 0.24, 0.03, `hsl(${hue} 30% 24% / 0.7)`);
    brush.fillStyle = 'hsl(140 35% 32% / 0.8)';
    brush.beginPath();
    brush.ellipse((right ? 0.88 : 0.12) * width, 0.43 * height, 0.05 * height, 0.1 * height, 0, 0, 7);
    brush.fill();
    walls.set(key, wall);
    return wall;
  }

  window.painter = {
    portrait(canvas, { wall, clothes, skin, hair, cut, beard, glasses }, time) {
      const { width, height } = canvas;
      const brush = brushOf(canvas);
      brush.setTransform(1, 0, 0, 1, 0, 0);
      brush.drawImage(wallOf(width, height, wall), 0, 0);
      // From here on the unit is the height of the picture, and 0, 0 the middle of the face.
      const sway = Math.sin(time * 1.3 + wall) * 0.008;
      brush.setTransform(height, 0, 0, height, width / 2 + sway * height, height * (0.43 + sway / 2));
      const oval = (
        x: number,
        y: number,
        rx: number,
        ry: number,
        colour: string | CanvasGradient,
        from = 0,
        to = 7,
      ) => {
        brush.fillStyle = colour;
        brush.beginPath();
        brush.ellipse(x, y, rx, ry, 0, from, to);
        brush.fill();
      };
      const block = (x: number, y: number, w: number, h: number, r: number, colour: string | CanvasGradient) => {
        brush.fillStyle = colour;
        brush.beginPath();
        brush.roundRect(x, y, w, h, r);
        brush.fill();
      };
      if (cut === 'long') block(-0.2, -0.22, 0.4, 0.5, [0.2, 0.2, 0.08, 0.08] as never, hair);
      if (cut === 'curly') {
        for (let curl = 0; curl < 14; curl += 1) {
          const at = Math.PI * (0.95 + (curl / 13) * 1.1);
          oval(Math.cos(at) * 0.165, Math.sin(at) * 0.17 + 0.03, 0.075, 0.075, hair);
        }
      }
      if (cut === 'bun') oval(0, -0.26, 0.08, 0.07, hair);
      const cloth = brush.createLinearGradient(-0.4, 0.2, 0.4, 0.6);
      cloth.addColorStop(0, `hsl(${clothes} 42% 46%)`);
      cloth.addColorStop(1, `hsl(${clothes} 46% 28%)`);
      block(-0.4, 0.27, 0.8, 0.7, 0.2, cloth);
      block(-0.075, 0.08, 0.15, 0.24, 0.07, skin);
      oval(0, 0.285, 0.105, 0.06, skin);
      block(-0.075, 0.13, 0.15, 0.07, 0.03, 'rgb(0 0 0 / 0.14)');
      oval(-0.155, 0.02, 0.025, 0.04, skin);
      oval(0.155, 0.02, 0.025, 0.04, skin);
      oval(0, 0.01, 0.152, 0.195, skin);
      brush.save();
      brush.beginPath();
      brush.ellipse(0, 0.01, 0.153, 0.196, 0, 0, 7);
      brush.clip();
      const shade = brush.createLinearGradient(-0.16, 0, 0.16, 0);
      shade.addColorStop(0.45, 'rgb(0 0 0 / 0)');
      shade.addColorStop(1, 'rgb(60 20 0 / 0.2)');
      brush.fillStyle = shade;
      brush.fillRect(-0.2, -0.2, 0.4, 0.45);
      if (beard) {
        oval(0, 0.17, 0.17, 0.11, hair);
        oval(0, 0.1, 0.1, 0.06, skin);
      }
      brush.restore();
      if (cut !== 'bald') {
        brush.fillStyle = hair;
        brush.beginPath();
        brush.moveTo(-0.165, 0.01);
        brush.bezierCurveTo(-0.19, -0.27, 0.19, -0.27, 0.165, 0.01);
        brush.bezierCurveTo(0.14, -0.09, 0.07, -0.105, -0.02, -0.12);
        brush.bezierCurveTo(-0.09, -0.11, -0.145, -0.07, -0.165, 0.01);
        brush.fill();
      }
      brush.lineCap = 'round';
      const line = (thick: number, colour: string, draw: () => void) => {
        brush.lineWidth = thick;
        brush.strokeStyle = colour;
        brush.beginPath();
        draw();
        brush.stroke();
      };
      const blinks = (time + wall / 50) % 4 < 0.15;
      for (const side of [-1, 1]) {
        oval(side * 0.06, 0, 0.014, blinks ? 0.003 : 0.018, '#221a18');
        line(0.01, hair, () => brush.ellipse(side * 0.06, -0.015, 0.034, 0.028, 0, 3.7, 5.7));
        if (glasses) line(0.008, '#20242a', () => brush.ellipse(side * 0.06, 0.002, 0.045, 0.04, 0, 0, 7));
      }
      if (glasses) line(0.008, '#20242a', () => brush.ellipse(0, 0, 0.016, 0.01, 0, 3.3, 6.1));
      line(0.008, 'rgb(90 40 20 / 0.4)', () => brush.ellipse(0.004, 0.045, 0.016, 0.014, 0, 0.3, 2.6));
      line(0.011, '#8e3b36', () => brush.ellipse(0, 0.07, 0.05, 0.035, 0, 0.5, 2.64));
    },

    document(canvas, what, time) {
      const { width, height } = canvas;
      const brush = brushOf(canvas);
      const unit = height / 72;
      const write = (text: string, x: number, y: number, size: number, colour = '#1c2528', weight = 400) => {
        brush.font = `${weight} ${size * unit}px system-ui, sans-serif`;
        brush.fillStyle = colour;
        brush.fillText(text, x * unit, y * unit);
      };
      brush.fillStyle = '#fdfdfb';
      brush.fillRect(0, 0, width, height);
      brush.fillStyle = '#e9eeee';
      brush.fillRect(0, 0, width, 5 * unit);
      write(what === 'plan' ? 'Release plan' : 'Numbers of the quarter', 3, 3.6, 2.4, '#4a585c', 600);
      if (what === 'plan') {
        write('Release plan, week 21', 10, 15, 5, '#10181a', 700);
        const lines = [
          'What ships on Thursday, what waits, and who looks after it.',
          '',
          '1.  The new lobby: preview, devices, who is inside.            Mina',
          '2.  Calls that come back by themselves after a lost network.   Jonas',
          '3.  Screen sharing with sharp text.                            Priya',
          '4.  Keyboard shortcuts, and everything reachable by keyboard.  Tomás',
          '',
          'Open questions',
          '-   Do we keep the old links for another month?',
          '-   Who is on call at the weekend?',
          '-   Which pictures go into the notes?',
        ];
        lines.forEach((text, index) => {
          write(text, 10, 23 + index * 4, 2.5, '#1c2528', text === 'Open questions' ? 700 : 400);
        });
      } else {
        write('People in calls, by week', 10, 14, 4, '#10181a', 700);
        for (let week = 0; week < 12; week += 1) {
          const tall = 10 + week * 2.4 + Math.sin(week * 2.1) * 4;
          brush.fillStyle = week === 11 ? '#12808c' : '#9fcbd0';
          brush.fillRect((12 + week * 9) * unit, (64 - tall) * unit, 6 * unit, tall * unit);
          write(`W${10 + week}`, 13 + week * 9, 68, 2, '#4a585c');
        }
      }
      // A blinking cursor, so that the captured screen produces frames.
      if (Math.floor(time * 2) % 2 === 0) write('|', 10, 68, 2.5, '#12808c');
    },
  };
}
