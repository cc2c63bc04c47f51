"""Commands that torch 1.4 or TensorFlow.js had and plans could hold, and why they are not run.

Names are written as in the op table: methods begin with a dot, those of the tfjs role
with ``tf.``. Every command of protocol.md sections 4.8 and 4.9 is a row of the table or here.
"""

from __future__ import annotations

__all__ = ["EXCLUSIONS", "GROUPS"]

GROUPS: dict[str, tuple[str, ...]] = {
    "it is for sparse tensors, those of a plan are dense arrays": (
        ".coalesce", ".dense_dim", ".indices", ".is_coalesced", ".smm", ".sparse_dim",
        ".sparse_mask", ".sparse_resize_", ".sparse_resize_and_clear_", ".sspaddmm",
        ".to_sparse", ".values", "._coalesced_", "._dimI", "._dimV", "._indices", "._nnz",
        "._values", "torch.hspmm", "torch.smm", "torch.sparse_coo_tensor", "torch.sspaddmm",
    ),
    "it is for quantized tensors, which plans do not have; use the float operation": (
        ".int_repr", ".q_per_channel_axis", ".q_per_channel_scales",
        ".q_per_channel_zero_points", ".q_scale", ".q_zero_point", ".qscheme",
        "torch.fbgemm_linear_fp16_weight", "torch.fbgemm_linear_fp16_weight_fp32_activation",
        "torch.fbgemm_linear_int8_weight", "torch.fbgemm_linear_int8_weight_fp32_activation",
        "torch.fbgemm_linear_quantize_weight", "torch.fbgemm_pack_gemm_matrix_fp16",
        "torch.fbgemm_pack_quantized_matrix", "torch.int_repr", "torch.q_per_channel_axis",
        "torch.q_per_channel_scales", "torch.q_per_channel_zero_points", "torch.q_scale",
        "torch.q_zero_point", "torch.quantize_per_channel", "torch.quantize_per_tensor",
        "torch.quantized_gru", "torch.quantized_gru_cell", "torch.quantized_lstm",
        "torch.quantized_lstm_cell", "torch.quantized_max_pool2d",
        "torch.quantized_rnn_relu_cell", "torch.quantized_rnn_tanh_cell",
    ),
    "it belongs to one kind of hardware; use the general operation": (
        ".record_stream", ".to_mkldnn", "torch.cudnn_affine_grid_generator",
        "torch.cudnn_batch_norm", "torch.cudnn_convolution",
        "torch.cudnn_convolution_transpose", "torch.cudnn_grid_sampler",
        "torch.cudnn_is_acceptable", "torch.miopen_batch_norm", "torch.miopen_convolution",
        "torch.miopen_convolution_transpose", "torch.miopen_depthwise_convolution",
        "torch.miopen_rnn", "torch.mkldnn_adaptive_avg_pool2d", "torch.mkldnn_convolution",
        "torch.mkldnn_convolution_backward_weights", "torch.mkldnn_max_pool2d",
    ),
    "gradients are worked out when a plan is recorded, not when it runs": (
        ".backward", ".register_hook", ".reinforce",
    ),
    "arrays have no names for their dimensions; use permute, unsqueeze or expand": (
        "._update_names", ".align_as", ".align_to", "torch.align_tensors",
    ),
    "where and how an array lies in memory is not a plan's business": (
        ".data_ptr", ".is_contiguous", ".is_pinned", ".is_set_to", ".is_shared",
    ),
    "it calls a function of Python, which a plan does not carry": (
        ".apply_", ".map_", ".__array_wrap__", ".__setstate__", "tf.grad",
        "torch.nn.functional.assert_int_or_pair",
    ),
    "its result is a dtype or a setting, not a tensor; settle it when recording": (
        "torch.can_cast", "torch.promote_types", "torch.result_type",
        "torch.compiled_with_cxx11_abi", "torch.get_num_interop_threads",
    ),
    "a plan may not change settings of the process, nor read its files": (
        "torch.from_file", "torch.manager_path", "torch.set_default_dtype",
        "torch.set_default_tensor_type", "torch.set_flush_denormal",
        "torch.set_num_interop_threads", "torch.set_rng_state",
    ),
    "numpy has no bfloat16; use half() or float()": (".bfloat16",),
    "TensorFlow.js gives complex numbers there, which the tensors of a plan cannot hold; use the "
    "torch role": ("tf.fft", "tf.ifft", "tf.irfft", "tf.rfft", "tf.stft"),
    "TensorFlow.js makes an object there, not a tensor": ("tf.identity",),
}  # fmt: skip
"""Commands by reason. The reason completes "... is not supported: "."""

EXCLUSIONS: dict[str, str] = {
    command: reason for reason, commands in GROUPS.items() for command in commands
}
"""The reason for each command."""
