import { render } from 'preact';
import { readKey } from '../address.ts';
import { installOffline } from '../installed.ts';
import { CheckPage } from './page.tsx';
import { Check } from './run.ts';
import { texts } from './texts.ts';
import '../style/base.css';
import '../style/check.css';

document.title = texts.title;
const check = new Check(readKey(location).token);
const root = document.getElementById('app');
if (root) render(<CheckPage check={check} />, root);
// Kiosks and scripts press no button.
if (new URLSearchParams(location.search).get('autostart') === '1') void check.run();
installOffline();
