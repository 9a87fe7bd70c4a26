/** The words of both apps: the same in both languages, all there, none left over. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, before = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[before + key, value]] : flat(value, `${before}${key}.`),
  );
}
const words = (room: string, locale: string) =>
  new Map(flat(JSON.parse(readFileSync(new URL(`src/i18n/${room}/${locale}.json`, root), 'utf8')) as Tree));
const text = (folder: string, ending: RegExp) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path) && !path.endsWith('.test.ts'))
    .map((path) => readFileSync(new URL(`${folder}/${path}`, root), 'utf8'))
    .join('\n');
const parameters = (sentence: string) => [...new Set(sentence.match(/\{\w+\}/g))].sort();

const server = text('../server', /\.py$/) + text('../storage', /\.py$/);
const shared = words('shared', 'zh-CN');

describe.each(['shared', 'tip', 'staff'])('the words of %s', (room) => {
  it('say the same in both languages, with the same parameters', () => {
    const [chinese, english] = [words(room, 'zh-CN'), words(room, 'en')];
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
    for (const [key, sentence] of chinese) expect([key, parameters(english.get(key) ?? '')]).toEqual([key, parameters(sentence)]);
  });
});

describe.each(['tip', 'staff'])('the app %s', (app) => {
  const code = ['ui', 'api', app].map((folder) => text(`src/${folder}`, /\.(ts|vue)$/)).join('\n');
  const own = words(app, 'zh-CN');

  it('finds every word that it names', () => {
    const named = [...code.matchAll(/\bt\(\s*'([a-zA-Z_.]+)'/g)].map((found) => found[1] ?? '');
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((key) => !own.has(key) && !shared.has(key))).toEqual([]);
  });

  it('has no family of words that nothing asks for', () => {
    const asked = (key: string) =>
      // by its name, or as a code of a family: `family.${code}`, word('family', code)
      new RegExp(`['"\`]${key}['"\`]`).test(code) ||
      key.split('.').some((_, at, parts) => at > 0 && new RegExp(`['"\`]${parts.slice(0, at).join('\\.')}(\\.\\$\\{|['"\`])`).test(code));
    expect([...own.keys()].filter((key) => !asked(key))).toEqual([]);
  });
});

it('the desk has words for every flag that the server raises', () => {
  const raised = [...server.matchAll(/\.flag\(\s*"(\w+)"|"code": "(\w+)", "(?:field|detail)"/g)].map((found) => found[1] ?? found[2] ?? '');
  expect(raised).toContain('outside_county');
  const known = words('staff', 'zh-CN');
  expect([...new Set(raised)].filter((code) => !known.has(`flag.${code}`))).toEqual([]);
});
