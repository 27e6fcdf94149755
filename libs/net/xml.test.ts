import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { elementText, unescapeXml } from './xml.ts';

test('the text of an element is that of the first one without attributes', () => {
  const xml = '<a><Code x="1">no</Code><Code>A &amp; &#66;</Code><Code>later</Code><Open></a>';
  equal(elementText(xml, 'Code'), 'A & B');
  equal(elementText(xml, 'Open'), undefined);
  equal(elementText(xml, 'Missing'), undefined);
  equal(elementText('<E></E>', 'E'), '');
});

test('entities stand for characters, and what is none stays', () => {
  equal(unescapeXml('&lt;&gt;&quot;&apos;&#x1F600;'), '<>"\'\u{1F600}');
  equal(unescapeXml('&nbsp; &#x110000; &amp &;'), '&nbsp; &#x110000; &amp &;');
});

test('a text of tags that never end takes no time', () => {
  const begun = performance.now();
  for (const text of ['<Code>', '</Code>', '<Code', '&amp', '&#'])
    elementText(`<Code>${text.repeat(1_000_000)}`, 'Code');
  ok(performance.now() - begun < 2_000);
});
