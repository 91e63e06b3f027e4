// Line icons on a 24-unit grid, drawn for this page.

import type { ComponentChildren, JSX } from 'preact';

function Icon({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const slash = <path d="M4 4l16 16" />;

export const MicIcon = ({ off }: { off: boolean }) => (
  <Icon>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M9 21h6" />
    {off && slash}
  </Icon>
);

export const CameraIcon = ({ off }: { off: boolean }) => (
  <Icon>
    <rect x="2.5" y="6.5" width="12.5" height="11" rx="2.5" />
    <path d="M15 10.7l5-2.9c.7-.4 1.5.1 1.5.9v6.6c0 .8-.8 1.3-1.5.9l-5-2.9" />
    {off && slash}
  </Icon>
);

export const ScreenIcon = () => (
  <Icon>
    <rect x="3" y="4.5" width="18" height="12.5" rx="2.5" />
    <path d="M12 14V8M9.3 10.4L12 7.7l2.7 2.7M8.5 20.5h7" />
  </Icon>
);

export const LeaveIcon = () => (
  <Icon>
    <path d="M2.8 14.6c-.5-1 .1-2.3 1.2-3.2 4.6-3.7 11.4-3.7 16 0 1.1.9 1.7 2.2 1.2 3.2l-.6 1.1c-.4.8-1.3 1.1-2.1.8l-2.3-.9c-.7-.3-1.2-1-1.2-1.7v-1.4a10.5 10.5 0 0 0-6 0v1.4c0 .7-.5 1.4-1.2 1.7l-2.3.9c-.8.3-1.7 0-2.1-.8z" />
  </Icon>
);

export const LinkIcon = () => (
  <Icon>
    <path d="M10 14a4.2 4.2 0 0 0 6 0l3.2-3.2a4.2 4.2 0 0 0-6-6L12 6M14 10a4.2 4.2 0 0 0-6 0l-3.2 3.2a4.2 4.2 0 0 0 6 6L12 18" />
  </Icon>
);

export const ShareIcon = () => (
  <Icon>
    <path d="M12 15V4M8 7.5L12 3.5l4 4M6.5 11H6a2 2 0 0 0-2 2v5.5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V13a2 2 0 0 0-2-2h-.5" />
  </Icon>
);

export const StatsIcon = () => (
  <Icon>
    <path d="M4 20V13M9.3 20V9M14.7 20v-6M20 20V4" />
  </Icon>
);

export const SettingsIcon = () => (
  <Icon>
    <path d="M4 7h9M19 7h1M4 17h1M11 17h9" />
    <circle cx="16" cy="7" r="2.8" />
    <circle cx="8" cy="17" r="2.8" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
);

export const DiceIcon = () => (
  <Icon>
    <path d="M20 11a8 8 0 0 0-14.3-4L4 9M4 4.5V9h4.5M4 13a8 8 0 0 0 14.3 4l1.7-2M20 19.5V15h-4.5" />
  </Icon>
);

export const CheckIcon = () => (
  <Icon>
    <path d="M5 12.5l4.5 4.5L19 7.5" />
  </Icon>
);

export const ChatIcon = () => (
  <Icon>
    <path d="M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5H12l-4.5 3.5V17h-3A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5zM7.5 9.3h9M7.5 12.7h5.5" />
  </Icon>
);

export const SendIcon = () => (
  <Icon>
    <path d="M12 20V5M6 10.5L12 4.5l6 6" />
  </Icon>
);
