// What nearly every test file needs: one server, one Chromium, and people who are seen out at the end.

import { after, afterEach, before } from 'node:test';
import { launch, newRoom, Person } from './browser.mjs';
import { Server } from './server.mjs';

export function stage(options = {}) {
  const stage = { people: [], server: null, browser: null };

  before(async () => {
    stage.server = await Server.start(options.server);
    stage.browser = await launch(options.browser);
  });
  afterEach(async () => {
    for (const person of stage.people.splice(0)) await person.close();
  });
  after(async () => {
    await stage.browser?.close();
    await stage.server?.stop();
  });

  stage.person = async (settings = {}) => {
    const { browser = stage.browser, server = stage.server, ...context } = settings;
    const person = await Person.at(browser, server, context);
    stage.people.push(person);
    return person;
  };
  /** Two people in one room, talking. */
  stage.couple = async (query = '', room = newRoom(), settings = {}) => {
    const [first, second] = [await stage.person(settings), await stage.person(settings)];
    await first.join(room, `&name=Ada${query}`);
    await first.state('waiting');
    await second.join(room, `&name=Bo${query}`);
    await Promise.all([first.inCall(), second.inCall()]);
    return { first, second, room };
  };
  /** More of them, one after the other; the first is the host. */
  stage.group = async (names, room = newRoom(), settings = {}) => {
    const people = [];
    for (const name of names) {
      const person = await stage.person(settings);
      await person.join(room, `&name=${name}`);
      await person.state('waiting', 'connected');
      people.push(person);
    }
    await Promise.all(people.map((person) => person.inCall(names.length - 1)));
    return { people, room };
  };
  return stage;
}
