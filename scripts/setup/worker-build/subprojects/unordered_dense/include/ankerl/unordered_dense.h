/* The part of ankerl::unordered_dense that mediasoup-worker uses, over abseil's flat hash containers. */
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <functional>
#include <iterator>

namespace ankerl::unordered_dense
{
template<class T>
using hash = absl::Hash<T>;

/* abseil's erase(iterator) returns nothing, since finding the next element has a price; the worker wants it. */
template<class Base>
class with_next : public Base
{
public:
	using Base::Base;
	using Base::erase;

	typename Base::iterator erase(typename Base::iterator it)
	{
		auto next = std::next(it);
		Base::erase(it);
		return next;
	}
};

template<class K, class V, class H = hash<K>, class E = std::equal_to<K>>
using map = with_next<absl::flat_hash_map<K, V, H, E>>;

template<class K, class H = hash<K>, class E = std::equal_to<K>>
using set = with_next<absl::flat_hash_set<K, H, E>>;
} // namespace ankerl::unordered_dense
