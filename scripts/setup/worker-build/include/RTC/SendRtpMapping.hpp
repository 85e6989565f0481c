#ifndef MS_RTC_SEND_RTP_MAPPING_HPP
#define MS_RTC_SEND_RTP_MAPPING_HPP

#include "common.hpp"
#include "RTC/RtpDictionaries.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring> // std::memcpy(), std::memset()
#include <optional>
#include <string_view>
#include <vector>

namespace RTC
{
	/**
	 * Payload types and header extension ids of the RTP packets that a transport
	 * sends, as the offer of its remote endpoint has them: an answer may not
	 * choose others (RFC 3264, section 6.1; RFC 8285, section 5), while the router
	 * has one set for all transports.
	 *
	 * mediasoup's API has no field for them. They come as an RTCP feedback entry of
	 * a codec: its type is `FeedbackType`, and its parameter has one word for each,
	 * "p101=96" for a payload type and "e4=2" for a header extension, the number of
	 * the router first.
	 *
	 * Packets are changed after everything else has been written into them, in a
	 * copy, since other transports and the retransmission buffers share them.
	 */
	class SendRtpMapping
	{
	public:
		static constexpr std::string_view FeedbackType{ "x-send-rtp-mapping" };

	public:
		/**
		 * Takes the mapping of a new consumer, if it has one.
		 */
		void Read(const std::vector<RTC::RtpCodecParameters>& codecs)
		{
			for (const auto& codec : codecs)
			{
				for (const auto& feedback : codec.rtcpFeedback)
				{
					if (feedback.type == FeedbackType)
					{
						ReadWords(feedback.parameter);
					}
				}
			}
		}

		/**
		 * The packet with the numbers of the remote endpoint: itself if there is no
		 * mapping, otherwise a copy, which is valid until the next call.
		 */
		const uint8_t* Map(const uint8_t* packet, size_t len) const
		{
			static thread_local std::array<uint8_t, 65536> buffer;

			if (!this->present || len < FixedHeaderLength || len > buffer.size())
			{
				return packet;
			}

			std::memcpy(buffer.data(), packet, len);

			const uint8_t payloadType = buffer[1] & 0x7F;

			if (this->payloadTypes[payloadType].has_value())
			{
				buffer[1] = (buffer[1] & 0x80) | this->payloadTypes[payloadType].value();
			}

			MapExtensions(buffer.data(), len);

			return buffer.data();
		}

	private:
		static constexpr size_t FixedHeaderLength{ 12u };

		void ReadWords(std::string_view words)
		{
			while (!words.empty())
			{
				const auto end  = std::min(words.find(' '), words.size());
				const auto word = words.substr(0, end);

				words.remove_prefix(std::min(end + 1, words.size()));

				const auto equals = word.find('=');

				if (equals == std::string_view::npos || equals == 0)
				{
					continue;
				}

				uint8_t from{ 0u };
				uint8_t to{ 0u };

				if (!ReadNumber(word.substr(1, equals - 1), from) || !ReadNumber(word.substr(equals + 1), to))
				{
					continue;
				}

				if (word[0] == 'p' && from < this->payloadTypes.size() && to < 128u)
				{
					this->payloadTypes[from] = to;
					this->present            = true;
				}
				else if (word[0] == 'e' && from < this->extensionIds.size() && to > 0u && to < 15u)
				{
					this->extensionIds[from] = to;
					this->present            = true;
				}
			}
		}

		static bool ReadNumber(std::string_view text, uint8_t& number)
		{
			const auto result = std::from_chars(text.data(), text.data() + text.size(), number);

			return result.ec == std::errc() && result.ptr == text.data() + text.size();
		}

		/**
		 * Extensions that the remote endpoint has not offered become padding.
		 */
		void MapExtensions(uint8_t* packet, size_t len) const
		{
			if ((packet[0] & 0x10) == 0)
			{
				return;
			}

			const size_t start = FixedHeaderLength + (4u * (packet[0] & 0x0F));

			if (start + 4u > len)
			{
				return;
			}

			const uint16_t profile = (packet[start] << 8) | packet[start + 1];
			const size_t length    = 4u * ((packet[start + 2] << 8) | packet[start + 3]);
			const bool oneByte     = profile == 0xBEDE;

			if (start + 4u + length > len || (!oneByte && (profile & 0xFFF0) != 0x1000))
			{
				return;
			}

			const size_t headLength = oneByte ? 1u : 2u;
			uint8_t* element        = packet + start + 4u;
			const uint8_t* end      = element + length;

			while (element < end)
			{
				// Padding.
				if (*element == 0u)
				{
					++element;

					continue;
				}

				const uint8_t id = oneByte ? *element >> 4 : *element;

				// The rest is to be ignored (RFC 8285, section 4.2).
				if (oneByte && id == 15u)
				{
					return;
				}

				if (!oneByte && element + 1 >= end)
				{
					return;
				}

				const size_t size = headLength + (oneByte ? (*element & 0x0F) + 1u : element[1]);

				if (size > static_cast<size_t>(end - element))
				{
					return;
				}

				const uint8_t mapped = id < this->extensionIds.size() ? this->extensionIds[id] : 0u;

				if (mapped == 0u)
				{
					std::memset(element, 0, size);
				}
				else
				{
					*element = oneByte ? (mapped << 4) | (*element & 0x0F) : mapped;
				}

				element += size;
			}
		}

	private:
		// Whether there is a mapping.
		bool present{ false };
		// By the payload type of the router.
		std::array<std::optional<uint8_t>, 128> payloadTypes{};
		// By the id of the router; 0 for those that the remote endpoint does not have.
		std::array<uint8_t, 16> extensionIds{};
	};
} // namespace RTC

#endif
