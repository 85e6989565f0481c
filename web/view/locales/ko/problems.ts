/** The Korean messages of HTTP errors. */
import type { PageProblemMessages } from '../en/problems.ts';

export const pageProblemMessages: PageProblemMessages = {
  notFoundTitle: '이 주소에는 페이지가 없습니다',
  notFoundText: '주소에 틀린 곳이 없는지 확인하거나, 처음 화면에서 방 이름을 적어 주세요.',
  noRoomTitle: '방의 주소가 아닙니다',
  noRoomText: '방 이름은 1자에서 256자까지이고 빗금(/)을 쓸 수 없습니다. 처음 화면에서 방 이름을 적어 주세요.',
  badAddressTitle: '주소가 깨져 있습니다',
  badAddressText: '주소의 일부가 빠졌거나 바뀌었습니다. 링크 전체를 다시 복사하거나, 처음 화면으로 가 주세요.',
  notAllowedTitle: '읽기만 할 수 있는 페이지입니다',
  notAllowedText: '이 주소로는 아무것도 보낼 수 없습니다. 처음 화면으로 가 주세요.',
  upgradeRequiredTitle: '페이지가 연결에 쓰는 주소입니다',
  upgradeRequiredText: '통화 중에 브라우저가 스스로 엽니다. 처음 화면으로 가 주세요.',
  badRequestTitle: '서버가 브라우저의 요청을 이해하지 못했습니다',
  badRequestText: '페이지를 다시 불러오세요. 계속되면, 브라우저와 서버 사이의 무언가가 요청을 바꾸고 있습니다.',
  headersTooLargeTitle: '브라우저가 너무 많은 것을 보냈습니다',
  headersTooLargeText: '대개 같은 호스트에 있는 다른 페이지의 쿠키 때문입니다. 쿠키를 지우고 페이지를 다시 불러오세요.',
  internalTitle: '서버에서 문제가 생겼습니다',
  internalText: '원인은 서버의 로그에 있습니다. 잠시 뒤 페이지를 다시 불러오세요.',
};
