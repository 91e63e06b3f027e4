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

export const PeopleIcon = () => (
  <Icon>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.8 19.5c.4-3.6 3-5.7 6.2-5.7s5.8 2.1 6.2 5.7M15.6 4.9a3.3 3.3 0 0 1 0 6.3M17.8 14.3c1.9.7 3.1 2.5 3.4 5.2" />
  </Icon>
);

export const HandIcon = () => (
  <Icon>
    <path d="M7.5 12.5V6.300a1.5 1.5 0 0 1 3 0V11M10.5 11V4.300a1.5 1.5 0 0 1 3 0V11M13.5 11V5.800a1.5 1.5 0 0 1 3 0V12.500M16.5 11.5V9a1.5 1.5 0 0 1 3 0v5.500c0 3.9-2.7 6.5-6.3 6.5-2.8 0-4.5-1.2-5.9-3.4l-2.9-4.7c-.9-1.5 1-3 2.3-1.7l.8.8" />
  </Icon>
);

export const LayoutIcon = () => (
  <Icon>
    <rect x="3" y="5" width="12" height="14" rx="2" />
    <path d="M18.5 5.5h2M18.5 12h2M18.5 18.5h2" />
  </Icon>
);

export const PinIcon = () => (
  <Icon>
    <path d="M9 4h6l-.6 5.5 3.1 3.5v1.500h-11V13l3.1-3.5zM12 14.5V21" />
  </Icon>
);

export const WeakIcon = () => (
  <Icon>
    <path d="M4 20v-3M9.3 20v-6M14.7 8.5L20.5 14.5M20.5 8.5l-5.8 6" />
  </Icon>
);

export const LockIcon = () => (
  <Icon>
    <rect x="5" y="10.5" width="14" height="10" rx="2.5" />
    <path d="M8 10.5V7.500a4 4 0 0 1 8 0v3M12 14.5v2" />
  </Icon>
);

export const DoorIcon = () => (
  <Icon>
    <path d="M6 21V4.500A1.5 1.5 0 0 1 7.5 3h9A1.5 1.5 0 0 1 18 4.5V21M3.5 21h17M14.5 11.5v1.5" />
  </Icon>
);

export const MoreIcon = () => (
  <Icon>
    <path stroke-width="3.6" d="M5 12h.01M12 12h.01M19 12h.01" />
  </Icon>
);

export const ClipIcon = () => (
  <Icon>
    <path d="M20 11.5l-8 8a5.2 5.2 0 0 1-7.4-7.4l8.3-8.3a3.5 3.5 0 0 1 5 5l-8.3 8.2a1.8 1.8 0 0 1-2.5-2.5l7.5-7.4" />
  </Icon>
);

export const FileIcon = () => (
  <Icon>
    <path d="M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5zM13.5 3v5.5H19" />
  </Icon>
);

export const FullscreenIcon = ({ on }: { on: boolean }) => (
  <Icon>
    <path
      d={
        on
          ? 'M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5'
          : 'M4 9V5.500A1.5 1.5 0 0 1 5.5 4H9M15 4h3.500A1.5 1.5 0 0 1 20 5.5V9M20 15v3.500a1.5 1.5 0 0 1-1.5 1.5H15M9 20H5.500A1.5 1.5 0 0 1 4 18.5V15'
      }
    />
  </Icon>
);
