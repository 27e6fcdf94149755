// What differs from Flux on purpose. `id` is the heading in docs/compatibility.md under which the reason is stated.
import type { Rule } from '../compare.ts';

const MESSAGE = /^releases > web > message$/;
const UNSEEN = /is not ready: latest generation of object has not been reconciled$/;

export const HELM_RULES: readonly Rule[] = [
  ...['repo-missing', 'values-files-missing', 'version-missing', 'chart-verify'].map((name) => ({
    id: 'A chart that fails is named at once',
    fixture: new RegExp(`^${name}$`),
    path: MESSAGE,
    flux: UNSEEN,
    weir: /is not ready: (failed to get source|values files merge error|invalid chart reference|chart verification error): /,
  })),
  {
    id: 'A range without a version says which there are',
    fixture: /^version-missing$/,
    path: /^sources > helmcharts\/<ns>-web > message$/,
    flux: /matching '>=3\.0\.0' found$/,
    weir: /found \(the highest versions are 1\.0\.0\)$/,
  },
  {
    id: 'A release that moves leaves nothing behind',
    fixture: /^target-changed$/,
    path: /^objects > configmaps\/web-cfg$/,
    flux: /"app\.kubernetes\.io\/managed-by":"Helm"/,
    weir: 'absent',
  },
];
