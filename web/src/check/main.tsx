import { render } from 'preact';
import { readKey } from '../address.ts';
import { installOffline } from '../installed.ts';
import { loadLanguage } from '../stored.ts';
import { language, setLanguage } from '../texts/language.ts';
import { CheckPage } from './page.tsx';
import { Check } from './run.ts';
import { words } from './texts.ts';
import '../style/base.css';
import '../style/check.css';

const query = new URLSearchParams(location.search);
setLanguage(loadLanguage(query.get('hl')));
document.documentElement.lang = language;
document.title = words().title;
const check = new Check(readKey(location).token);
const root = document.getElementById('app');
if (root) render(<CheckPage check={check} />, root);
// Kiosks and scripts press no button.
if (query.get('autostart') === '1') void check.run();
installOffline();
