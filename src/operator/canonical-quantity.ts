const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const DECIMAL: readonly (readonly [suffix: string, exponent: number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
];
const QUANTITY = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])?)$/;

interface Parsed {
  readonly negative: boolean;
  /** value = digits × 10^exponent × 1024^binary */
  readonly digits: bigint;
  readonly exponent: number;
  readonly binary: number;
  readonly form: 'binary' | 'decimal' | 'exponent';
}

function parse(text: string): Parsed | undefined {
  const match = QUANTITY.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent, suffix = ''] = match ?? [];
  if (!match || `${whole}${fraction}` === '') return undefined;
  const binary = BINARY.findIndex((name) => name !== '' && name === suffix);
  const scale = DECIMAL.find(([name]) => name === suffix)?.[1] ?? 0;
  return {
    negative: sign === '-',
    digits: BigInt(`${whole}${fraction}`),
    exponent: Number(exponent ?? 0) + scale - fraction.length,
    binary: Math.max(binary, 0),
    form: binary > 0 ? 'binary' : exponent === undefined ? 'decimal' : 'exponent',
  };
}

/**
 * A quantity as Kubernetes writes it back: the largest suffix with which no digits are lost (`1024Mi` is `1Gi`, `0.5` is `500m`).
 * Text that is no quantity stays as it is (apimachinery pkg/api/resource/quantity.go CanonicalizeBytes).
 */
export function canonicalQuantity(text: string): string {
  const parsed = parse(text.trim());
  if (!parsed) return text;
  if (parsed.digits === 0n) return '0';
  const sign = parsed.negative ? '-' : '';
  const whole = wholeBytes(parsed);
  // Below 1024 and with fractions the binary form falls back to the decimal one.
  if (parsed.form === 'binary' && whole !== undefined && whole >= 1024n) return `${sign}${writeBinary(whole)}`;
  return whole !== undefined && parsed.binary > 0
    ? `${sign}${writeDecimal(whole, 0, false)}`
    : `${sign}${writeDecimal(parsed.digits * 1024n ** BigInt(parsed.binary), parsed.exponent, parsed.form === 'exponent')}`;
}

/** The value when it is a whole number. */
function wholeBytes({ digits, exponent, binary }: Parsed): bigint | undefined {
  const scaled = digits * 1024n ** BigInt(binary);
  if (exponent >= 0) return scaled * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return scaled % divisor === 0n ? scaled / divisor : undefined;
}

function writeBinary(value: bigint): string {
  let rest = value;
  let power = 0;
  while (rest % 1024n === 0n && power < BINARY.length - 1) {
    rest /= 1024n;
    power += 1;
  }
  return `${rest}${BINARY[power] ?? ''}`;
}

/** Digits below nano are rounded up, as Kubernetes does. */
function writeDecimal(value: bigint, exponent: number, scientific: boolean): string {
  let digits = value;
  let power = exponent;
  while (digits % 10n === 0n && digits !== 0n) {
    digits /= 10n;
    power += 1;
  }
  while (power < -9) {
    digits = (digits + 9n) / 10n;
    power += 1;
  }
  const step = Math.min(Math.floor(power / 3) * 3, 18);
  digits *= 10n ** BigInt(power - step);
  if (scientific && step !== 0) return `${digits}e${step}`;
  return `${digits}${DECIMAL.find(([, of]) => of === step)?.[0] ?? ''}`;
}
