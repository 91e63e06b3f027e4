import { render } from 'preact';
import { App } from './app.ts';
import { Page } from './ui/page.tsx';
import './style/base.css';
import './style/lobby.css';
import './style/call.css';
import './style/stage.css';
import './style/panel.css';

const root = document.getElementById('app');
if (root) render(<Page app={new App()} />, root);
