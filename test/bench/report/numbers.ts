// How numbers are written, in tables and in plots.
import type { Unit } from './figures.ts';

/** Writes at most three significant digits, but all digits of whole numbers from 100 on. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return thousands(Math.round(value));
  if (size >= 10) return trimmed(value.toFixed(1));
  if (size >= 1) return trimmed(value.toFixed(2));
  return trimmed(value.toFixed(3));
}

export function formatValue(value: number | undefined, unit: Unit): string {
  return value === undefined
    ? ''
    : `${formatNumber(value)} ${unit === 'requests' ? '' : unit}`.trim();
}

/** How many times as large `theirs` is as `ours`; empty when one of them is missing or only `ours` is zero. */
export function formatRatio(theirs: number | undefined, ours: number | undefined): string {
  if (theirs === undefined || ours === undefined) return '';
  if (ours === 0) return theirs === 0 ? '=' : '';
  return `${formatNumber(theirs / ours)}x`;
}

function thousands(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
