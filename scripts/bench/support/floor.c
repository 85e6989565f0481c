/*
 * Owns the floor: the least that an SFU's data plane does for each packet and receiver, and nothing besides. It encrypts
 * the packet (AES-128-GCM, the RTP header authenticated, a key and a context for each receiver, a new IV each time) and
 * sends it from one UDP socket to that receiver's port on loopback.
 *
 * usage: floor RECEIVERS BYTES RATE SECONDS
 *   BYTES  of the RTP packet with its 12 bytes of header; 16 bytes of tag come on top
 *   RATE   packets a second to each receiver, paced as video is: frames of 6 packets, 30 frames a second at a rate of 180
 *
 * The receivers' sockets are read by a process of their own, whose time is not in the figure. They must be read: what
 * comes to a full socket is dropped early, and a send that ends so is cheaper than one that delivers.
 *
 * Prints {"cpu": microseconds, "packets": sent, "received": ..., "failed": sends refused, "late": frames begun more than
 * one frame late, "seconds": ...}.
 */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, TAG = 16, IV = 12, FRAME_PACKETS = 6, MAX_BYTES = 1400, EVENTS = 64 };

struct receiver {
  EVP_CIPHER_CTX *context;
  struct sockaddr_in address;
  int socket;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void sleep_until(double at) {
  struct timespec time = {.tv_sec = (time_t)at, .tv_nsec = (long)((at - (time_t)at) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
    ;
}

static int open_socket(struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  socklen_t length = sizeof *address;
  int buffer = 1 << 20;
  if (fd < 0) die("socket");
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  if (bind(fd, (struct sockaddr *)address, length) || getsockname(fd, (struct sockaddr *)address, &length)) die("bind");
  return fd;
}

/* Reads all sockets until `stop` closes, then tells through `result` how many packets came. */
static void drain(const struct receiver *receivers, int count, int stop, int result) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = stop}, events[EVENTS];
  unsigned char packet[MAX_BYTES + TAG];
  long received = 0;
  int stopping = 0;
  int poll = epoll_create1(0);
  if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, stop, &event)) die("epoll");
  for (int i = 0; i < count; i++) {
    event.data.fd = receivers[i].socket;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, receivers[i].socket, &event)) die("epoll");
  }
  for (;;) {
    int ready = epoll_wait(poll, events, EVENTS, stopping ? 0 : -1);
    int came = 0;
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == stop) {
        stopping = 1;
        epoll_ctl(poll, EPOLL_CTL_DEL, stop, NULL);
        continue;
      }
      while (recv(events[i].data.fd, packet, sizeof packet, MSG_DONTWAIT) >= 0) came++;
    }
    received += came;
    if (stopping && ready <= 0) break;
  }
  if (write(result, &received, sizeof received) != sizeof received) die("write");
}

static void encrypt(EVP_CIPHER_CTX *context, const unsigned char *iv, const unsigned char *in, int bytes,
                    unsigned char *out) {
  int length;
  memcpy(out, in, HEADER);
  if (!EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) ||
      !EVP_EncryptUpdate(context, NULL, &length, out, HEADER) ||
      !EVP_EncryptUpdate(context, out + HEADER, &length, in + HEADER, bytes - HEADER) ||
      !EVP_EncryptFinal_ex(context, out + bytes, &length) ||
      !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, out + bytes)) {
    fprintf(stderr, "floor: AES-128-GCM failed\n");
    exit(1);
  }
}

static void open_receivers(struct receiver *receivers, int count) {
  for (int i = 0; i < count; i++) {
    unsigned char key[16];
    for (size_t j = 0; j < sizeof key; j++) key[j] = (unsigned char)rand();
    receivers[i].socket = open_socket(&receivers[i].address);
    receivers[i].context = EVP_CIPHER_CTX_new();
    if (!receivers[i].context || !EVP_EncryptInit_ex(receivers[i].context, EVP_aes_128_gcm(), NULL, key, NULL))
      die("AES-128-GCM");
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: floor RECEIVERS BYTES RATE SECONDS\n");
    return 2;
  }
  int count = atoi(argv[1]), bytes = atoi(argv[2]);
  double rate = atof(argv[3]), seconds = atof(argv[4]);
  if (count < 1 || bytes <= HEADER || bytes > MAX_BYTES || rate <= 0 || seconds <= 0) {
    fprintf(stderr, "floor: receivers from 1, bytes from %d to %d, rate and seconds above 0\n", HEADER + 1, MAX_BYTES);
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  struct receiver *receivers = calloc(count, sizeof *receivers);
  if (!receivers) die("memory");
  open_receivers(receivers, count);
  int stop[2], result[2];
  if (pipe(stop) || pipe(result)) die("pipe");
  pid_t reader = fork();
  if (reader < 0) die("fork");
  if (reader == 0) {
    close(stop[1]);
    drain(receivers, count, stop[0], result[1]);
    _exit(0);
  }
  close(stop[0]);
  /* So that the reader's end, for whatever reason, ends the wait for its answer. */
  close(result[1]);
  for (int i = 0; i < count; i++) close(receivers[i].socket);

  struct sockaddr_in own;
  int sender = open_socket(&own);
  unsigned char in[MAX_BYTES], out[MAX_BYTES + TAG], iv[IV] = {0};
  for (int i = 0; i < bytes; i++) in[i] = (unsigned char)rand();
  double interval = FRAME_PACKETS / rate;
  long frames = (long)(seconds / interval + 0.5), sent = 0, failed = 0, late = 0;
  unsigned int number = 0;
  double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
  for (long frame = 0; frame < frames; frame++) {
    double at = start + frame * interval;
    if (now(CLOCK_MONOTONIC) > at + interval) late++;
    sleep_until(at);
    for (int i = 0; i < FRAME_PACKETS; i++) {
      number++;
      memcpy(iv + IV - sizeof number, &number, sizeof number);
      memcpy(in + 2, &number, 2);
      for (int j = 0; j < count; j++) {
        encrypt(receivers[j].context, iv, in, bytes, out);
        const struct sockaddr *to = (const struct sockaddr *)&receivers[j].address;
        if (sendto(sender, out, bytes + TAG, 0, to, sizeof receivers[j].address) < 0) failed++;
        else sent++;
      }
    }
  }
  cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  double took = now(CLOCK_MONOTONIC) - start;

  long received = 0;
  close(stop[1]);
  if (read(result[0], &received, sizeof received) != sizeof received) fprintf(stderr, "floor: the reader ended early\n");
  waitpid(reader, NULL, 0);
  printf("{\"cpu\":%.0f,\"packets\":%ld,\"received\":%ld,\"failed\":%ld,\"late\":%ld,\"seconds\":%.3f}\n", cpu * 1e6, sent,
         received, failed, late, took);
  return 0;
}
