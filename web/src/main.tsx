import { render } from 'preact';
import { App } from './app.ts';
import { talkToParent } from './embedding.ts';
import { installOffline } from './installed.ts';
import { Page } from './ui/page.tsx';
import './style/base.css';
import './style/lobby.css';
import './style/call.css';
import './style/stage.css';
import './style/panel.css';
import './style/stats.css';
import './style/embed.css';
import './style/keys.css';

const root = document.getElementById('app');
if (root) {
  const app = new App();
  document.body.classList.toggle('embedded', app.embedded);
  render(<Page app={app} />, root);
  root.inert = false;
  if (app.embedded) void talkToParent(app);
  else installOffline();
}
