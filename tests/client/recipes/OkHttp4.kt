// OkHttp 4's names for the OkHttp 3.13 of Debian 12, so that the recipe is compiled as the page has it.
import okhttp3.HttpUrl
import okhttp3.MediaType
import okhttp3.Request
import okhttp3.RequestBody
import okhttp3.Response
import okhttp3.ResponseBody

val Request.url: HttpUrl get() = url()
val HttpUrl.scheme: String get() = scheme()
val HttpUrl.host: String get() = host()
val HttpUrl.port: Int get() = port()
val Response.code: Int get() = code()
val Response.body: ResponseBody? get() = body()
val Response.request: Request get() = request()
val Response.priorResponse: Response? get() = priorResponse()
fun String.toMediaType(): MediaType = MediaType.get(this)
fun String.toRequestBody(type: MediaType): RequestBody = RequestBody.create(type, this)
