/** The messages of the dialog about encoders, in all languages: they are loaded with it. */
import { translator } from './index.ts';

const messages = {
  en: {
    aboutCall:
      'OBS, GStreamer, ffmpeg and hardware encoders publish into this call by WHIP. Each is a participant of its own.',
    aboutBroadcast:
      'OBS, GStreamer, ffmpeg and hardware encoders come onto the stage by WHIP. Viewers see them while the broadcast is live.',
    address: 'Address (WHIP)',
    obs: 'In OBS: Settings, Stream, service WHIP, this address as Server. Settings, Output: no B-frames, a key frame every 1 or 2 s.',
    token: 'Bearer token',
    tokenNeeded:
      'This server asks for one. Whoever runs it makes it with this command; your own token is only yours. In the lines below, TOKEN stands for it.',
    tokenNotNeeded: 'Leave it empty: this server asks for none.',
    tokenCommand: 'Command for a token',
    gstreamer: 'By simple-whip-client: apt install simple-whip-client, from Debian 13 on.',
    ffmpeg: 'Version 8 and newer.',
    watchLink: 'Link for watching',
    watchAbout: 'A page with the picture and nothing else. Players that speak WHEP take the same address with /whep/.',
    watchTokenNeeded:
      'A page with the picture and nothing else; it asks for a token, or takes it from the link: …#token=TOKEN. Players that speak WHEP take the same address with /whep/.',
    viewerTokenCommand: 'Command for a token of viewers',
    page: 'Page for your own site',
    pageAbout:
      'One file, without anything else of Weir. It plays once WEIR_ALLOWED_ORIGINS of this server names the site, and takes a token from its link: …#token=TOKEN.',
    copy: 'Copy',
    copyName: 'Copy: {name}',
    copied: 'Copied: {name}',
    notCopied: 'This could not be copied. Select the text and copy it yourself.',
  },
  ko: {
    aboutCall: 'OBS, GStreamer, ffmpeg, 하드웨어 인코더가 WHIP으로 이 통화에 송출합니다. 각각 한 명의 참가자가 됩니다.',
    aboutBroadcast:
      'OBS, GStreamer, ffmpeg, 하드웨어 인코더가 WHIP으로 무대에 오릅니다. 방송 중일 때 시청자에게 보입니다.',
    address: '주소 (WHIP)',
    obs: 'OBS에서 설정, 방송, 서비스 WHIP을 고르고 이 주소를 서버에 넣으세요. 설정, 출력에서 B프레임은 끄고 키프레임 간격은 1~2초로 하세요.',
    token: '베어러 토큰',
    tokenNeeded:
      '이 서버는 토큰이 필요합니다. 서버 운영자가 이 명령으로 만듭니다. 내 토큰은 나만 쓰는 것입니다. 아래 명령의 TOKEN이 그 토큰입니다.',
    tokenNotNeeded: '비워 두세요. 이 서버는 토큰이 필요 없습니다.',
    tokenCommand: '토큰을 만드는 명령',
    gstreamer: 'simple-whip-client로 보냅니다. 데비안 13부터 apt install simple-whip-client로 설치합니다.',
    ffmpeg: '버전 8 이상.',
    watchLink: '시청 링크',
    watchAbout: '화면만 있는 페이지입니다. WHEP 플레이어에는 같은 주소를 /whep/로 바꿔 넣으세요.',
    watchTokenNeeded:
      '화면만 있는 페이지입니다. 토큰을 묻거나 링크에서 읽습니다: …#token=TOKEN. WHEP 플레이어에는 같은 주소를 /whep/로 바꿔 넣으세요.',
    viewerTokenCommand: '시청자 토큰을 만드는 명령',
    page: '내 사이트에 넣을 페이지',
    pageAbout:
      'Weir의 다른 파일 없이 이 파일 하나로 재생됩니다. 이 서버의 WEIR_ALLOWED_ORIGINS에 사이트 주소를 넣어야 하고, 토큰은 링크에서 읽습니다: …#token=TOKEN.',
    copy: '복사',
    copyName: '복사: {name}',
    copied: '복사했습니다: {name}',
    notCopied: '복사하지 못했습니다. 글을 선택해서 직접 복사해 주세요.',
  },
} as const;

export const translateEncoder = translator<keyof typeof messages.en>(messages);
