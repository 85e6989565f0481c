/* mediasoup links each subproject's library whole: here there is nothing in it. */
typedef int translation_unit_is_never_empty;
