// Deutsch.  Wer angesprochen wird, wird geduzt; wo es ohne Anrede geht, steht keine.

import type { Browser } from '../browser.ts';
import type { Missing } from '../media.ts';
import type { Quality } from '../stats.ts';
import type { Texts } from './en.ts';

const again = 'Noch einmal versuchen';
const knockAgain = 'Noch einmal anklopfen';
const joinAgain = 'Wieder beitreten';

const devices: { readonly [what in Missing]: string } = {
  camera: 'Kamera',
  microphone: 'Mikrofon',
  both: 'Kamera und Mikrofon',
};

const qualities: { readonly [quality in Quality]: string } = { good: 'gut', fair: 'mäßig', poor: 'schlecht' };

const allow: { readonly [browser in Browser]: string } = {
  chromium: 'Zum Erlauben auf das Symbol neben der Adresse klicken, dort einschalten und es noch einmal versuchen.',
  firefox:
    'Neben der Adresse auf die durchgestrichene Kamera oder das Mikrofon klicken, die Sperre aufheben, noch einmal versuchen.',
  safari:
    'Zum Erlauben dienen die „Einstellungen für diese Website“ im Menü Safari, auf dem iPhone neben der Adresse.',
  other: 'Zum Erlauben dienen die Berechtigungen dieser Seite in den Einstellungen des Browsers.',
};

export const de: Texts = {
  guest: 'Gast',
  you: 'Ich',
  close: 'Schließen',
  again,

  errors: {
    'room-full': {
      title: 'Dieser Raum ist voll',
      what: 'Alle Plätze sind besetzt. Ist jemand mit einem AppRTC-Programm dabei, fasst ein Raum nur zwei.',
      tips: [
        'Warte, bis jemand gegangen ist, und versuche es dann noch einmal.',
        'Oder öffne einen neuen Raum und verschicke dessen Link.',
      ],
      again,
    },
    'room-locked': {
      title: 'Dieser Raum ist abgeschlossen',
      what: 'Der Host hat die Tür hinter denen geschlossen, die schon da sind.',
      tips: [
        'Bitte jemanden im Raum, ihn aufzuschließen, und versuche es dann noch einmal.',
        'Oder bitte den Host um einen Einladungslink: Er öffnet die Tür.',
      ],
      again,
    },
    denied: {
      title: 'Du wurdest nicht eingelassen',
      what: 'Der Host dieses Raums hat abgelehnt.',
      tips: ['Frage den Host auf anderem Weg, vielleicht nach einem Einladungslink.', 'Oder klopfe noch einmal an.'],
      again: knockAgain,
    },
    'lobby-closed': {
      title: 'Niemand kann dich einlassen',
      what: 'Dieser Raum hat eine Lobby, aber der Host ist nicht da, oder es warten schon zu viele.',
      tips: ['Warte, bis der Host da ist, und klopfe dann noch einmal an.', 'Oder bitte den Host um einen Einladungslink.'],
      again: knockAgain,
    },
    'token-required': {
      title: 'Für diesen Raum braucht es eine Einladung',
      what: 'Der Server lässt nur ein, wer einen persönlichen Link mitbringt.',
      tips: ['Öffne den Link auf der Seite, in der E-Mail oder im Kalender, die dich hergeführt haben.'],
    },
    'bad-token': {
      title: 'Diese Einladung ist ungültig',
      what: 'Der Server nimmt den Schlüssel in deinem Link nicht an.',
      tips: ['Vielleicht ging unterwegs ein Teil des Links verloren: Kopiere ihn ganz.', 'Oder bitte um einen neuen.'],
    },
    'token-expired': {
      title: 'Diese Einladung ist abgelaufen',
      what: 'Der Schlüssel in deinem Link galt nur für eine Zeit, die vorbei ist.',
      tips: ['Bitte dort um einen neuen Link, wo du diesen bekommen hast.'],
    },
    'too-many-rooms': {
      title: 'Der Server ist ausgelastet',
      what: 'Es laufen bereits so viele Gespräche, wie er führen darf.',
      tips: ['Versuche es in ein paar Minuten noch einmal.', 'Laufenden Gesprächen kann man weiterhin beitreten.'],
      again,
    },
    'too-many-joins': {
      title: 'Zu viele Versuche',
      what: 'Aus deinem Netz wurden in kurzer Zeit zu oft Räume betreten.',
      tips: ['Warte eine Minute und versuche es dann noch einmal.'],
      again,
    },
    draining: {
      title: 'Der Server startet gleich neu',
      what: 'Im Moment nimmt er keine neuen Gespräche an.',
      tips: ['Versuche es in einer Minute noch einmal.'],
      again,
    },
    'unsupported-version': {
      title: 'Diese Seite ist veraltet',
      what: 'Der Server ist neuer als die geladene Seite.',
      tips: ['Lade die Seite neu.'],
      again: 'Neu laden',
    },
    'session-ended': {
      title: 'Dein Platz wurde freigegeben',
      what: 'Du warst zu lange weg.',
      tips: ['Tritt wieder bei: Vielleicht sind die anderen noch da.'],
      again: joinAgain,
    },
    'bad-room-name': {
      title: 'Das ist kein Raumname',
      what: 'Ein Raumname besteht aus mindestens fünf Buchstaben (ohne Umlaute), Ziffern, Binde- oder Unterstrichen.',
      tips: ['Prüfe den Link: Vielleicht ging unterwegs ein Teil verloren.', 'Oder öffne einen neuen Raum.'],
    },
    'unknown-room': {
      title: 'Diesen Raum gibt es nicht',
      what: 'Auf diesem Server haben Räume Namen, die er selbst macht, damit niemand sie erraten kann. Dieser gehört nicht dazu.',
      tips: [
        'Prüfe den Link: Vielleicht ging unterwegs ein Teil verloren.',
        'Oder öffne einen neuen Raum und verschicke seinen Link.',
      ],
    },
    'server-unreachable': {
      title: 'Der Server antwortet nicht',
      what: 'Auf unsere Anfrage kam nichts zurück.',
      tips: [
        'Prüfe, ob du mit dem Internet verbunden bist.',
        'Ein Firmennetz oder VPN könnte im Weg sein: Versuche es ohne.',
        'Sonst startet vielleicht gerade der Server neu. Versuche es in einer Minute noch einmal.',
      ],
      again,
    },
    'server-refused': {
      title: 'Der Server hat abgelehnt',
      what: 'Er hat geantwortet, uns aber nicht in diesen Raum gelassen.',
      tips: [
        'Versuche es gleich noch einmal.',
        'Wenn es so bleibt, wende dich an die Person, die diesen Server betreibt.',
      ],
      again,
    },
    'ice-failed': {
      title: 'Kein Weg zueinander',
      what: 'Beide waren da, aber für Ton und Bild fand sich kein Weg zwischen euch.',
      tips: [
        'Versuche es noch einmal: Netze ändern sich.',
        'Versuche es in einem anderen Netz, zum Beispiel über den Hotspot eines Telefons.',
        'Vielleicht sperrt eine Firewall Gespräche; wer sie verwaltet, kann das Relay dieses Servers freigeben.',
      ],
      again,
    },
    unsupported: {
      title: 'Dieser Browser kann keine Gespräche führen',
      what: 'Ihm fehlt WebRTC, der Teil, der Ton und Bild überträgt.',
      tips: ['Öffne den Link in einem aktuellen Firefox, Chrome, Edge oder Safari.'],
    },
  },

  endings: {
    removed: {
      title: 'Du wurdest aus dem Gespräch entfernt',
      what: 'Der Host hat dich hinausgesetzt. War das ein Versehen, kannst du wieder beitreten.',
      again: joinAgain,
    },
    closed: {
      title: 'Das Gespräch ist beendet',
      what: 'Der Host hat es für alle beendet.',
      again: 'Neu beginnen',
    },
    expired: {
      title: 'Das Gespräch ist beendet',
      what: 'In diesem Raum ist lange nichts geschehen.',
      again: 'Neu beginnen',
    },
    replaced: {
      title: 'Du bist anderswo in diesem Gespräch',
      what: 'Ein anderes Fenster hat deinen Platz übernommen.',
      again: 'Hier weitermachen',
    },
  },

  refusals: {
    'not-host': 'Das kann nur der Host, und der bist du nicht mehr.',
    'unknown-participant': 'Diese Person ist nicht mehr hier.',
    'too-large': 'Das war zu lang. Teile es auf zwei Nachrichten auf.',
    'too-many-invites': 'Mehr Einladungslinks kann es nicht geben. Die bisherigen gelten noch.',
    'queue-full': 'Diese Person ist gerade nicht zu erreichen. Versuche es gleich noch einmal.',
    other: 'Der Server hat das nicht getan. Versuche es gleich noch einmal.',
  },

  media: {
    'media-blocked': {
      title: (what) => `${devices[what]} ${what === 'both' ? 'sind' : 'ist'} gesperrt`,
      what: 'Du kannst trotzdem beitreten, um die anderen zu sehen und zu hören.',
      tip: (browser) => allow[browser],
    },
    'media-busy': {
      title: (what) => `${devices[what]} ${what === 'both' ? 'ließen' : 'ließ'} sich nicht starten`,
      what: 'Vielleicht benutzt ein anderes Programm das Gerät. Du kannst auch ohne beitreten.',
      tip: () => 'Schließe das andere Programm und versuche es dann noch einmal.',
    },
    'media-none': {
      title: (what) =>
        ({
          camera: 'Keine Kamera gefunden',
          microphone: 'Kein Mikrofon gefunden',
          both: 'Weder Kamera noch Mikrofon gefunden',
        })[what],
      what: 'Du kannst auch ohne beitreten.',
      tip: () => 'Schließe ein Gerät an und versuche es dann noch einmal.',
    },
    'media-ended': {
      title: (what) => `${devices[what]} ${what === 'both' ? 'sind' : 'ist'} ausgefallen`,
      what: 'Das Gerät wurde abgezogen, oder der Browser hat die Erlaubnis zurückgenommen.',
      tip: () => 'Schließe es wieder an oder erlaube es, und versuche es dann noch einmal.',
    },
    'media-unavailable': {
      title: () => 'Auf dieser Seite gibt es weder Kamera noch Mikrofon',
      what: 'Browser erlauben sie nur über HTTPS. Du kannst trotzdem beitreten, um die anderen zu sehen und zu hören.',
      tip: () => 'Öffne diese Seite mit https:// davor.',
    },
  },
  trying: 'Versuch läuft…',
  dismiss: 'Ausblenden',

  lobby: {
    heading: 'Von Angesicht zu Angesicht. Ein Link genügt.',
    lead: 'Gespräche laufen direkt von Browser zu Browser. Ohne Konto, ohne Installation.',
    ready: 'Bereit für diesen Raum?',
    check: 'Prüfe vor dem Beitreten Bild und Ton',
    turnOn: 'Kamera und Mikrofon einschalten',
    starting: 'Kamera startet…',
    cameraOff: 'Deine Kamera ist aus',
    noCamera: 'Keine Kamera',
    room: 'Raum',
    suggest: 'Einen anderen Namen vorschlagen',
    wrongRoom: 'Mindestens 5 Buchstaben, Ziffern, - oder _',
    join: 'Beitreten',
    joinBare: 'Nur zusehen und zuhören',
    another: 'Lieber ein anderer Raum',
    outlook: {
      slower: 'Dein Netzwerk sperrt UDP: Anrufe klappen, etwas langsamer.',
      doubtful: 'Dein Netzwerk lässt Anrufe vielleicht nicht durch.',
    },
    checkNetwork: 'Was sich tun lässt',
    recent: 'Zuletzt besuchte Räume',
    forget: 'Vergessen',
    forgetRoom: (room) => `${room} vergessen`,
  },

  status: {
    joining: 'Der Raum wird betreten…',
    askingForMedia: 'Warten auf Kamera und Mikrofon…',
    knocking: 'Warten auf Einlass',
    waiting: 'Noch ist niemand sonst hier',
    left: (name) => `${name || 'Die andere Seite'} ist gegangen. Noch ist niemand sonst hier.`,
    connecting: 'Verbindung wird aufgebaut…',
    connected: 'Verbunden',
    connectedAlone: 'Verbunden, aber der Server ist nicht erreichbar',
    reconnecting: 'Verbindung verloren. Sie wird wiederhergestellt…',
    networkChanged: 'Dein Netz hat gewechselt. Die Verbindung wird wiederhergestellt…',
    noNetwork: 'Du bist offline. Das Gespräch geht weiter, wenn das Netz wieder da ist: Prüfe WLAN oder mobile Daten.',
    seeking: 'Der Server wird gesucht…',
  },

  waiting: {
    enterNow: 'Beitreten, ohne zu warten',
    mediaPrompt: 'Der Browser fragt, ob diese Seite sie benutzen darf. Zusehen und zuhören geht auch ohne.',
    lobby: 'Dieser Raum hat eine Lobby. Der Host weiß, dass du hier bist und unter welchem Namen. Bleib auf dieser Seite.',
    invite: 'Schicke diesen Link denen, mit denen du sprechen möchtest.',
    noRelay: 'Dieser Server bietet kein Relay; zwischen streng gesicherten Netzen können Gespräche scheitern.',
    link: 'Link zu diesem Raum',
    copy: 'Link kopieren',
    copied: 'Kopiert',
    share: 'Teilen',
  },

  call: {
    heading: (room) => `Gespräch in ${room}`,
    bar: 'Gespräch',
    about: 'Zu diesem Gespräch',
    mic: 'Mikrofon',
    camera: 'Kamera',
    screen: 'Bildschirm teilen',
    hand: 'Hand heben',
    chat: 'Chat',
    unread: (count) => `${count} ungelesen`,
    leave: 'Gespräch verlassen',
    copyLink: 'Link zu diesem Raum kopieren',
    layout: 'Wer spricht, groß zeigen',
    people: 'Personen',
    knocking: (count) => (count === 1 ? '1 wartet' : `${count} warten`),
    stats: 'Verbindungsdaten',
    settings: 'Einstellungen',
    fullscreen: 'Vollbild',
    quality: (quality) => `Verbindung: ${qualities[quality]}`,
    locked: 'Abgeschlossen: Nur Einladungslinks öffnen die Tür',
    relay: 'Relay',
    relayTitle: 'Ton und Bild laufen über das Relay des Servers',
    serverLost: 'Der Server ist nicht erreichbar. Das Gespräch geht weiter; wir suchen ihn.',
    sharing: 'Du teilst deinen Bildschirm.',
    stopSharing: 'Beenden',
  },

  signs: {
    handRaised: 'Hand gehoben',
    muted: 'Stummgeschaltet',
    cameraOff: 'Kamera aus',
    sharing: 'Teilt einen Bildschirm',
    weak: 'Schwache Verbindung',
  },

  stage: {
    ownPicture: 'Dein eigenes Bild',
    picture: (name) => (name ? `Bild von ${name}` : 'Bild eines Gastes'),
    screen: (name) => `Bildschirm von ${name}`,
    pin: (name) => `${name} groß lassen`,
    unblock: 'Tippen für Bild und Ton',
    failed: 'Keine Verbindung. Neuer Versuch…',
    lost: 'Verbindung verloren…',
    reconnecting: 'Verbindung wird wiederhergestellt…',
    connecting: 'Verbindung wird aufgebaut…',
    cameraOff: 'Kamera ist aus',
    noPicture: 'Kein Bild',
    noPictureYet: 'Noch kein Bild',
  },

  screen: {
    NotAllowedError:
      'Es wird nichts geteilt. Kam keine Frage, was geteilt werden soll: Erlaube es im Browser für diese Seite und im System für den Browser.',
    InvalidStateError: 'Es wird nichts geteilt. Der Browser verlangt, dass du selbst hier auf den Knopf drückst.',
    other: 'Der Bildschirm ließ sich nicht teilen. Versuche es mit einem einzelnen Fenster.',
  },

  people: {
    title: (here, capacity) => `Personen (${here}${capacity > 0 ? ` von ${capacity}` : ''})`,
    you: 'ich',
    host: 'Host',
    lost: 'Verbindung verloren',
    manage: (name) => `Optionen für ${name}`,
    switchOff: {
      mic: 'Stummschalten',
      camera: 'Kamera aus',
      screen: 'Teilen beenden',
      hand: 'Hand senken',
    },
    makeHost: 'Zum Host machen',
    remove: 'Entfernen',
    reallyRemove: 'Wirklich entfernen?',
    wouldJoin: 'möchte beitreten',
    admit: 'Einlassen',
    deny: 'Ablehnen',
    room: 'Der Raum',
    lock: 'Abschließen',
    lockWhat: 'Nur Einladungslinks öffnen die Tür',
    lobby: 'Lobby',
    lobbyWhat: 'Wer keinen Einladungslink hat, muss anklopfen',
    invite: 'Einladungslink kopieren',
    closeRoom: 'Gespräch für alle beenden',
    reallyClose: 'Wirklich für alle beenden?',
  },

  chat: {
    title: 'Chat',
    lines: 'Nachrichten',
    empty: 'Alle in diesem Raum können das lesen, auch wer später kommt. Es verschwindet mit dem Raum.',
    placeholder: 'Nachricht schreiben',
    message: 'Nachricht',
    send: 'Senden',
    sending: 'wird gesendet…',
    notYet: 'Schreiben geht, sobald du im Raum bist.',
    offline: 'Der Server ist nicht erreichbar. Was du schreibst, wird gesendet, wenn er wieder da ist.',
    unread: 'Das Programm der anderen Seite hat keinen Chat.',
  },

  files: {
    attach: 'Eine Datei an alle senden, die jetzt da sind',
    offers: (name, file) => `${name} bietet ${file} an`,
    onlyHere: 'Nur für die, die jetzt da sind. Wer später kommt, bekommt sie nicht.',
    unable: 'das Programm nimmt keine Dateien',
    accept: 'Herunterladen',
    decline: 'Ablehnen',
    cancel: 'Abbrechen',
    save: 'Noch einmal speichern',
    progress: (file) => `${file}, in Prozent`,
    sent: {
      connecting: 'wird gefragt…',
      offered: 'hat noch nicht geantwortet',
      moving: 'empfängt sie',
      done: 'hat sie bekommen',
      cancelled: 'bekommt sie nicht mehr',
      refused: 'hat abgelehnt',
      lost: 'Die Verbindung ist abgerissen',
      broken: 'Es ging schief',
    },
    offered: {
      connecting: 'Unterwegs…',
      offered: 'Geladen wird nur, was du haben willst.',
      moving: 'Unterwegs…',
      done: 'Empfangen',
      cancelled: 'Abgelehnt',
      refused: 'Zurückgezogen',
      lost: 'Die Verbindung ist abgerissen. Bitte noch einmal darum.',
      broken: 'Sie kam beschädigt an und wurde verworfen.',
    },
    nobody: 'Es ist niemand da, der eine Datei bekommen könnte.',
    tooLarge: (file, most) => `${file} ist zu groß: höchstens ${most}.`,
    full: (most) => `${most} Dateien sind unterwegs. Warte, bis eine angekommen ist.`,
  },

  stats: {
    title: 'Verbindung',
    none: 'Sobald du verbunden bist, erscheinen hier Zahlen.',
    server: (ms) => `Umlaufzeit zum Server: ${ms} ms`,
    route: 'Weg',
    relayed: 'über das Relay',
    direct: 'direkt',
    yours: 'Eigener',
    theirs: 'Anderer',
    routes: {
      host: 'lokales Netz',
      srflx: 'durch NAT',
      prflx: 'durch NAT',
      relay: 'Relay',
    },
    roundTrip: 'Umlaufzeit',
    jitter: 'Schwankung',
    sending: 'Gesendet',
    receiving: 'Empfangen',
    loss: 'Verlust',
    sentLoss: 'Verlust dort',
    fpsIn: 'Bilder/s herein',
    fpsOut: 'Bilder/s hinaus',
    spread: (least, most) => `In der letzten Minute ${least} bis ${most}`,
    pictureIn: 'Bild herein',
    pictureOut: 'Bild hinaus',
    screenIn: 'Bildschirm herein',
    screenOut: 'Bildschirm hinaus',
    soundIn: 'Ton herein',
    soundOut: 'Ton hinaus',
    frames: (count, dropped) => `${count} Bilder, ${dropped} ausgelassen`,
    limits: {
      bandwidth: 'gebremst durch die Bandbreite',
      cpu: 'gebremst durch den Prozessor',
    },
    addresses: 'Adressen zeigen',
    reportCopy: 'Bericht kopieren',
    reportCopied: 'Bericht kopiert',
    reportRead: 'Was im Bericht steht',
    reportAbout: 'Für den Betreiber dieses Servers: Zahlen, ohne Namen, Raum, Chat oder Schlüssel, mit verdeckten Adressen.',
  },

  settings: {
    title: 'Einstellungen',
    camera: 'Kamera',
    microphone: 'Mikrofon',
    speaker: 'Lautsprecher',
    speakerTest: 'Zwei Töne spielen',
    noSpeaker: 'Dieser Lautsprecher lässt sich hier nicht benutzen. Wähle einen anderen.',
    noSound: 'Es ist kein Ton zu spielen. Prüfe, ob ein Lautsprecher angeschlossen ist, oder wähle einen anderen.',
    noDevice: 'Nichts gefunden',
    name: 'Dein Name',
    namePlaceholder: 'Die anderen sehen ihn',
    language: 'Sprache',
  },

  keys: {
    mic: 'Mikrofon ein oder aus',
    camera: 'Kamera ein oder aus',
    hand: 'Hand heben oder senken',
    chat: 'Chat',
    people: 'Personen',
    stats: 'Verbindungsdaten',
    layout: 'Wer spricht, groß – oder alle gleich',
    mini: 'Eigenes Bild ein oder aus',
    fullscreen: 'Vollbild',
    leave: 'Gespräch verlassen',
    keys: 'Diese Übersicht',
    close: 'Offenes schließen',
  },

  help: {
    title: 'Tastenkürzel',
    or: 'oder',
    space: 'Leertaste',
    escape: 'Esc',
    note: 'Beim Schreiben sind Tasten Buchstaben: Dann gilt nur Esc.',
  },

  ends: {
    left: 'Du hast das Gespräch verlassen',
    flags: 'Die Flaggen sagen U und W:',
    wish: 'Ich wünsche eine angenehme Reise.',
    rejoin: 'Wieder beitreten',
    newRoom: 'Neuer Raum',
  },

  toasts: {
    joined: (name) => `${name} ist jetzt dabei`,
    left: (name) => `${name} ist gegangen`,
    host: (name) => `${name} ist jetzt Host.`,
    youHost: 'Du bist jetzt Host.',
    asked: {
      mic: 'Der Host hat dein Mikrofon stummgeschaltet.',
      camera: 'Der Host hat deine Kamera ausgeschaltet.',
      screen: 'Der Host hat das Teilen deines Bildschirms beendet.',
      hand: 'Der Host hat deine Hand gesenkt.',
    },
    linkCopied: 'Link kopiert',
    inviteCopied: 'Einladungslink kopiert',
    notCopied: 'Der Browser hat das Kopieren verhindert. Markiere dies und kopiere es von Hand:',
    invitation: 'Komm zum Videogespräch',
    notShared: 'Das Teilen hat nicht geklappt. Kopiere stattdessen den Link:',
    notFullscreen: 'Der Browser gibt nicht den ganzen Bildschirm her. Sein eigenes Menü oder die Taste F11 hilft vielleicht.',
  },
};
