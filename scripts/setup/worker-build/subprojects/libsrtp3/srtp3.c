/* libsrtp 3's policies and its buffer-to-buffer calls, expressed over libsrtp 2. */
#define SRTP3_IMPLEMENTATION
#include "srtp.h"

#include <stdlib.h>
#include <string.h>

struct srtp3_policy
{
	srtp_policy_t v2;
	uint8_t key[SRTP_MAX_KEY_LEN];
};

srtp_err_status_t srtp3_policy_create(srtp3_policy_t *policy)
{
	*policy = calloc(1, sizeof **policy);

	if (!*policy)
		return srtp_err_status_alloc_fail;

	(*policy)->v2.key = (*policy)->key;

	return srtp_err_status_ok;
}

void srtp3_policy_destroy(srtp3_policy_t policy)
{
	if (policy)
	{
		memset(policy->key, 0, sizeof policy->key);
		free(policy);
	}
}

srtp_err_status_t srtp3_policy_set_ssrc(srtp3_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->v2.ssrc = ssrc;

	return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_profile(srtp3_policy_t policy, srtp_profile_t profile)
{
	const srtp_err_status_t err = srtp_crypto_policy_set_from_profile_for_rtp(&policy->v2.rtp, profile);

	return err ? err : srtp_crypto_policy_set_from_profile_for_rtcp(&policy->v2.rtcp, profile);
}

srtp_err_status_t srtp3_policy_add_key(
  srtp3_policy_t policy,
  const uint8_t *key,
  size_t key_len,
  const uint8_t *salt,
  size_t salt_len,
  const uint8_t *mki,
  size_t mki_len)
{
	if (key_len + salt_len > sizeof policy->key || mki || mki_len)
		return srtp_err_status_bad_param;

	memcpy(policy->key, key, key_len);
	memcpy(policy->key + key_len, salt, salt_len);

	return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_allow_repeat_tx(srtp3_policy_t policy, bool allow)
{
	policy->v2.allow_repeat_tx = allow;

	return srtp_err_status_ok;
}

srtp_err_status_t srtp3_policy_set_window_size(srtp3_policy_t policy, size_t size)
{
	policy->v2.window_size = size;

	return srtp_err_status_ok;
}

srtp_err_status_t srtp3_create(srtp_t *session, srtp3_policy_t policy)
{
	return srtp_create(session, &policy->v2);
}

typedef srtp_err_status_t (*in_place)(srtp_t, void *, int *);

/* libsrtp 3 works from one buffer into another; libsrtp 2 in place, needing `room` spare bytes after the packet. */
static srtp_err_status_t apply(
  in_place operation, srtp_t session, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len, size_t room)
{
	if (*out_len < in_len + room)
		return srtp_err_status_buffer_small;

	if (in != out)
		memcpy(out, in, in_len);

	int len = (int)in_len;
	const srtp_err_status_t err = operation(session, out, &len);

	if (!err)
		*out_len = (size_t)len;

	return err;
}

srtp_err_status_t srtp3_protect(
  srtp_t session, const uint8_t *rtp, size_t rtp_len, uint8_t *srtp, size_t *srtp_len, size_t mki_index)
{
	(void)mki_index;

	return apply(srtp_protect, session, rtp, rtp_len, srtp, srtp_len, SRTP_MAX_TAG_LEN);
}

srtp_err_status_t srtp3_unprotect(
  srtp_t session, const uint8_t *srtp, size_t srtp_len, uint8_t *rtp, size_t *rtp_len)
{
	return apply(srtp_unprotect, session, srtp, srtp_len, rtp, rtp_len, 0);
}

srtp_err_status_t srtp3_protect_rtcp(
  srtp_t session, const uint8_t *rtcp, size_t rtcp_len, uint8_t *srtcp, size_t *srtcp_len, size_t mki_index)
{
	(void)mki_index;

	return apply(srtp_protect_rtcp, session, rtcp, rtcp_len, srtcp, srtcp_len, SRTP_MAX_TAG_LEN + 4);
}

srtp_err_status_t srtp3_unprotect_rtcp(
  srtp_t session, const uint8_t *srtcp, size_t srtcp_len, uint8_t *rtcp, size_t *rtcp_len)
{
	return apply(srtp_unprotect_rtcp, session, srtcp, srtcp_len, rtcp, rtcp_len, 0);
}
