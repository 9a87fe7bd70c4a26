/// <reference lib="webworker" />
import { openCore, sendOnSync } from '../sw/shell';

sendOnSync(openCore('gridwatch-tip'), {});
