/** The words of the page `/watch/<room>`: of each state a title and a text. */

const en = {
  states: {
    connecting: ['Connecting…', ''],
    playing: ['Live', ''],
    audioOnly: ['Sound only', ''],
    still: ['Nothing is sent just now', 'It goes on here by itself.'],
    notLive: ['Not live yet', 'It begins here by itself.'],
    over: ['Not live any more', 'If it goes on, it goes on here by itself.'],
    busy: ['The server is full just now', 'This page keeps trying.'],
    lost: ['Reconnecting…', 'The connection was lost. The picture comes back by itself.'],
    offline: ['This device is offline', 'Connect it to a network: the picture comes by itself.'],
    unreachable: ['The server cannot be reached', 'This page keeps trying.'],
    blocked: [
      'Sound and picture do not get through',
      'A firewall may be in the way: try another network. This page keeps trying.',
    ],
    token: ['This stream asks for a token', 'Whoever invited you has one for you.'],
    tokenRefused: [
      'This token is not accepted',
      'Check that you have copied all of it, or ask whoever invited you for another one.',
    ],
    refused: ['This cannot be played', ''],
    unsupported: ['This browser cannot play this', 'It has no WebRTC. Try another browser.'],
  },
  picture: 'Picture of {room}',
  controls: 'Controls',
  turnOnSound: 'Turn on sound',
  unmute: 'Turn sound on',
  mute: 'Turn sound off',
  fullScreen: 'Full screen',
  exitFullScreen: 'Exit full screen',
  token: 'Access token',
  watch: 'Watch',
  tryAgain: 'Try again',
};

/** @type {typeof en} */
const ko = {
  states: {
    connecting: ['연결하는 중…', ''],
    playing: ['생방송', ''],
    audioOnly: ['소리만 나옵니다', ''],
    still: ['지금은 나오는 것이 없습니다', '다시 시작되면 여기에서 바로 나옵니다.'],
    notLive: ['아직 방송 전입니다', '시작되면 여기에서 바로 나옵니다.'],
    over: ['지금은 방송 중이 아닙니다', '다시 시작되면 여기에서 바로 나옵니다.'],
    busy: ['지금은 서버가 가득 찼습니다', '자동으로 다시 시도합니다.'],
    lost: ['다시 연결하는 중…', '연결이 끊어졌습니다. 화면은 자동으로 다시 나옵니다.'],
    offline: ['이 기기가 오프라인입니다', '네트워크에 연결하면 화면이 자동으로 나옵니다.'],
    unreachable: ['서버에 연결할 수 없습니다', '자동으로 다시 시도합니다.'],
    blocked: [
      '소리와 화면이 전달되지 않습니다',
      '방화벽이 막고 있을 수 있습니다. 다른 네트워크를 써 보세요. 자동으로 다시 시도합니다.',
    ],
    token: ['이 방송은 토큰이 필요합니다', '초대한 사람에게 받으세요.'],
    tokenRefused: ['받아들여지지 않는 토큰입니다', '전부 복사했는지 확인하거나, 초대한 사람에게 다시 받으세요.'],
    refused: ['재생할 수 없습니다', ''],
    unsupported: ['이 브라우저에서는 재생할 수 없습니다', 'WebRTC가 없습니다. 다른 브라우저를 써 보세요.'],
  },
  picture: '{room} 화면',
  controls: '조작',
  turnOnSound: '소리 켜기',
  unmute: '소리 켜기',
  mute: '소리 끄기',
  fullScreen: '전체 화면',
  exitFullScreen: '전체 화면 끝내기',
  token: '입장 토큰',
  watch: '시청하기',
  tryAgain: '다시 시도',
};

/** @typedef {keyof typeof en.states} ShownState */

/** By language. */
export const words = { en, ko };
