using System.Runtime.InteropServices;
using Google.Protobuf;

namespace MnemoLite.Api.Embeddings;

/// <summary>The tensors stored in an ONNX file, by their names.</summary>
internal sealed class OnnxTensors
{
    // onnx.proto, version 3: the numbers of ModelProto.graph, GraphProto.initializer, of what a TensorProto has and of its types
    private const int Graph = 7, Initializer = 5, DataType = 2, Name = 8, RawData = 9, Float = 1, Float16 = 10;

    private readonly Dictionary<string, (int Type, ByteString Data)> _tensors = [];

    /// <exception cref="InvalidProtocolBufferException">It is no such file.</exception>
    public OnnxTensors(string path)
    {
        using var file = File.OpenRead(path);
        using var input = new CodedInputStream(file);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == Graph)
                ReadGraph(input);
            else
                input.SkipLastField();
        }
    }

    /// <summary>The numbers of a tensor of 32 bits, row after row.</summary>
    public float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(Find(name, Float).Span).ToArray();

    /// <summary>The numbers of a tensor of 16 bits, row after row, where they were read to.</summary>
    public ReadOnlyMemory<byte> Halves(string name) => Find(name, Float16);

    private ReadOnlyMemory<byte> Find(string name, int type) =>
        _tensors.TryGetValue(name, out var tensor) && tensor.Type == type
            ? tensor.Data.Memory
            : throw new NotSupportedException($"The model has no tensor {name} of the type {type}.");

    private void ReadGraph(CodedInputStream input)
    {
        var length = input.ReadLength();
        for (var end = input.Position + length; input.Position < end;)
        {
            if (WireFormat.GetTagFieldNumber(input.ReadTag()) == Initializer)
                ReadTensor(input);
            else
                input.SkipLastField();
        }
    }

    private void ReadTensor(CodedInputStream input)
    {
        var length = input.ReadLength();
        var (name, type, data) = ("", 0, ByteString.Empty);
        for (var end = input.Position + length; input.Position < end;)
        {
            switch (WireFormat.GetTagFieldNumber(input.ReadTag()))
            {
                case DataType:
                    type = input.ReadInt32();
                    break;
                case Name:
                    name = input.ReadString();
                    break;
                case RawData:
                    data = input.ReadBytes();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
        _tensors[name] = (type, data);
    }
}
